"""The audit trail in the admin."""

import pytest
from django.contrib import admin

from apps.audit.admin.audit_event_admin import TargetKindFilter
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import CredentialKind
from tests.integration.backoffice.pages import text_of

EVENTS = "/admin/audit/auditevent/"


def test_every_kind_with_pages_can_be_filtered(rf, staff):
    request = rf.get(EVENTS)
    request.user = staff
    pages = admin.site._registry
    known = TargetKindFilter(request, {}, AuditEvent, pages[AuditEvent]).lookup_choices
    kinds = {kind for page in pages.values() if (kind := getattr(page, "audit_kind", None))}
    assert kinds
    assert kinds - {kind for kind, _ in known} == set()


@pytest.mark.parametrize(
    ("kind", "shown"), [(CredentialKind.SESSION, "unknown"), (CredentialKind.OPERATOR, "operator")]
)
def test_actor_without_account_is_shown_by_kind(browser, kind, shown):
    AuditEvent.objects.create(actor_kind=kind, action="password.refused", target_kind="user")
    assert f'<td class="field-actor">{shown}</td>' in text_of(browser.get(EVENTS))


def test_page_shows_the_reason(browser):
    event = AuditEvent.objects.create(actor_kind="session", action="a.b", target_kind="user", reason="A chargeback")
    assert "A chargeback" in text_of(browser.get(f"{EVENTS}{event.pk}/change/"))

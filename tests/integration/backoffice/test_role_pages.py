"""Roles in the admin: made, changed, deleted and given by the service, with an audit event."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.authorization.catalogue import CATALOGUE
from apps.users.admin import role_admin
from apps.users.models import Role, User
from tests.integration.backoffice.pages import EVENTS, KEYS, ROLES, USERS, form_errors, only_event, text_of
from tests.support.factories import make_bare_key, make_role, make_staff, make_user
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

NEW = {"name": "helpers", "scopes": ["customers:read", "keys:read"]}
SEEDED = ["service", "credit-service", "support", "finance", "operations", "auditor", "administrator"]


def _given(name: str) -> list[str]:
    role: Any = Role.objects.with_scopes().get(name=name)
    names: list[str] = role.scope_names
    return names


def _page(role: Group, operation: str = "change") -> str:
    return f"{ROLES}{role.pk}/{operation}/"


def _account_form(user: User, **changes: Any) -> dict[str, Any]:
    fields = {"email": user.email, "username": user.username, "full_name": "", "plan": user.plan_id, "is_active": "on"}
    return {**fields, **changes}


def _assert_as_seeded() -> None:
    assert list(Role.objects.order_by("id").values_list("name", flat=True)) == SEEDED
    assert not AuditEvent.objects.exists()


def test_roles_are_listed_with_scopes_and_accounts(browser):
    role = make_role("keys:verify", "credits:hold")
    for fields in ({}, {"is_active": False}, {"deleted_at": timezone.now()}):
        make_user(**fields).groups.add(role)
    page = text_of(browser.get(ROLES))
    assert "<code>credits:hold</code><br><code>keys:verify</code>" in page
    accounts = f"{USERS}?groups__id__exact={role.pk}"
    assert f'<a href="{accounts}">2</a>' in page
    assert browser.get(accounts).context["cl"].result_count == 2
    assert "By role" in text_of(browser.get(USERS))


def test_role_page_says_what_the_role_lets_its_members_do_and_who_they_are(browser, limited):
    role, member = make_role("credits:grant", "keys:verify", name="helpers"), make_user(email="ann@example.com")
    member.groups.add(role)
    make_user(email="gone@example.com", deleted_at=timezone.now()).groups.add(role)
    page = text_of(browser.get(_page(role)))
    for name in ("credits:grant", "keys:verify"):
        assert f"<li>{CATALOGUE[name].description} <code>{name}</code></li>" in page
    assert f'<a href="/admin/customers/{member.pk}/">ann@example.com</a>' in page
    assert "gone@example.com" not in page
    reader = text_of(limited("staff:read").get(_page(role)))
    assert CATALOGUE["credits:grant"].description in reader
    assert ("ann@example.com" in reader, 'name="scopes"' in reader) == (False, False)
    assert "Nothing: it has no scope." in text_of(browser.get(_page(make_role(name="empty"))))


def test_every_scope_of_every_ready_made_role_has_its_sentence(browser):
    for role in Role.objects.with_scopes():
        page = text_of(browser.get(_page(role)))
        scopes: list[str] = vars(role)["scope_names"]
        assert scopes
        assert [
            name for name in scopes if f"<li>{CATALOGUE[name].description} <code>{name}</code></li>" not in page
        ] == []


def test_role_page_lists_the_first_members(browser, monkeypatch):
    monkeypatch.setattr(role_admin, "MEMBERS_MAXIMUM", 2)
    role = make_role(name="helpers")
    for number in range(3):
        make_user(email=f"ann{number}@example.com").groups.add(role)
    page = text_of(browser.get(_page(role)))
    assert ("ann0@example.com" in page, "ann2@example.com" in page, "and others" in page) == (True, False, True)


def test_number_of_queries_is_constant(browser):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get(ROLES)
        return len(captured)

    queries()
    few = queries()
    for _ in range(5):
        make_role("keys:verify")
    assert queries() == few


def test_role_is_created(browser, staff):
    assert "was added successfully" in text_of(browser.post(f"{ROLES}add/", NEW, follow=True))
    assert _given("helpers") == NEW["scopes"]
    event = only_event(action="role.created")
    assert (event.actor_id, event.actor_kind, event.before, event.after) == (staff.pk, "session", {}, NEW)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "credit-service"}, "name"),
        ({"scopes": ["account:read"]}, "scopes"),
        ({"scopes": ["keys:*"]}, "scopes"),
        ({"scopes": ["api_keys.view_apikey"]}, "scopes"),
    ],
)
def test_invalid_role_is_refused(browser, wrong, field):
    for page in (f"{ROLES}add/", _page(Role.objects.get(name="service"))):
        assert field in form_errors(browser.post(page, {**NEW, **wrong}))
    _assert_as_seeded()


def test_only_changed_fields_are_stored(browser, staff):
    role = make_role("keys:verify", name="helpers")
    page = text_of(browser.get(_page(role)))
    assert '<input type="checkbox" name="scopes" value="keys:verify" id="id_scopes_0" checked>' in page
    form = {"name": "helpers", "scopes": ["credits:hold"], "initial-scopes": ["keys:verify"]}
    assert browser.post(_page(role), form).status_code == 302
    assert _given("helpers") == ["credits:hold"]
    event = only_event(action="role.updated")
    assert (event.actor_id, event.target_id) == (staff.pk, role.pk)
    assert (event.before, event.after) == ({"scopes": ["keys:verify"]}, {"scopes": ["credits:hold"]})


def test_changing_roles_needs_recent_authentication(browser):
    role = make_role("keys:verify", name="helpers")
    Session.objects.update(authenticated_at=Now() - timedelta(minutes=11))
    form = {"name": "helpers", "scopes": ["credits:hold"], "initial-scopes": ["keys:verify"]}
    assert browser.post(_page(role), form).headers["location"] == f"/admin/proof/?next={_page(role)}"
    assert _given("helpers") == ["keys:verify"]
    assert not AuditEvent.objects.exists()


def test_saving_without_changes_changes_nothing(browser):
    role = make_role("keys:verify", name="helpers")
    form = {"name": "helpers", "scopes": ["keys:verify"], "initial-scopes": ["keys:verify"]}
    assert browser.post(_page(role), form).status_code == 302
    assert not AuditEvent.objects.exists()


def test_outdated_form_restores_nothing(browser):
    role, user = make_role("credits:hold", name="helpers"), make_user()
    old_role = {"name": "others", "scopes": ["keys:verify"], "initial-scopes": ["keys:verify"]}
    assert browser.post(_page(role), old_role).status_code == 409
    assert _given("helpers") == ["credits:hold"]
    old_account = _account_form(user, full_name="Ann", roles=["service"], **{"initial-roles": ["service"]})
    assert browser.post(f"{USERS}{user.pk}/change/", old_account).status_code == 409
    assert user.groups.count() == 0


def test_unused_role_is_deleted(browser):
    role, had = make_role("keys:verify", name="free"), make_role(name="had")
    make_user().groups.add(had)
    assert "cannot be deleted" in text_of(browser.get(_page(had, "delete")))
    assert "Accounts have this role" in text_of(browser.post(_page(had, "delete")))
    assert "Role “free” deleted." in text_of(browser.post(_page(role, "delete"), follow=True))
    assert list(Role.objects.order_by("id").values_list("name", flat=True)) == [*SEEDED, "had"]
    event = only_event(action="role.deleted")
    assert event.before == {"name": "free", "scopes": ["keys:verify"]}


def test_roles_are_assigned_on_the_account_page(browser, staff):
    user = make_user()
    page = f"{USERS}{user.pk}/change/"
    assert 'name="roles" value="service"' in text_of(browser.get(page))
    assert browser.post(page, _account_form(user, roles=["service"])).status_code == 302
    assert [group.name for group in user.groups.all()] == ["service"]
    event = only_event(action="user.updated")
    assert (event.actor_id, event.target_id) == (staff.pk, user.pk)
    assert (event.before, event.after) == ({"roles": []}, {"roles": ["service"]})
    assert browser.post(page, _account_form(user, **{"initial-roles": ["service"]})).status_code == 302
    assert user.groups.count() == 0
    assert "roles" in form_errors(browser.post(page, _account_form(user, roles=["nobody"])))


def test_scopes_of_a_role_open_pages_and_end_with_it(browser):
    browser.post(f"{ROLES}add/", NEW)
    user = make_user(is_staff=True)
    helper = browser_of(user)
    assert helper.get(KEYS).status_code == 403
    role = Role.objects.get(name="helpers")
    user.groups.add(role)
    assert helper.get(KEYS).status_code == 200
    assert helper.post(f"{KEYS}add/", {}).status_code == 403
    form = {"name": "helpers", "scopes": ["customers:read"], "initial-scopes": NEW["scopes"]}
    browser.post(_page(role), form)
    assert helper.get(KEYS).status_code == 403


def test_django_s_own_permissions_have_no_effect(browser):
    user, role = make_user(is_staff=True), make_role()
    for permission in Permission.objects.all():
        user.user_permissions.add(permission)
        role.permissions.add(permission)
    user.groups.add(role)
    helper = browser_of(user)
    assert "You do not have permission to view any list." in text_of(helper.get("/admin/"))
    for page in (KEYS, USERS, ROLES, EVENTS, f"{USERS}add/"):
        assert helper.get(page).status_code == 403


def test_roles_are_for_those_who_manage_staff(limited):
    browser, role, user = limited("staff:read", "customers:read", "customers:write"), _role("service"), make_user()
    assert browser.get(ROLES).status_code == 200
    assert "keys:verify" in text_of(browser.get(_page(role)))
    for page in (f"{ROLES}add/", _page(role), _page(role, "delete"), f"{ROLES}delete/?id={role.pk}"):
        assert browser.post(page, NEW).status_code == 403
    page = f"{USERS}{user.pk}/change/"
    assert 'name="roles"' not in text_of(browser.get(page))
    assert browser.post(page, _account_form(user, full_name="Ann", roles=["service"])).status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.groups.count()) == ("Ann", 0)
    assert _given("service") == ["keys:verify"]


def test_nobody_gives_a_role_a_scope_that_they_lack(limited):
    browser = limited("staff:read", "staff:manage", "customers:read", "keys:read")
    assert browser.post(f"{ROLES}add/", NEW).status_code == 302
    (reason,) = form_errors(browser.post(f"{ROLES}add/", {"name": "more", "scopes": ["credits:grant"]}))["__all__"]
    assert reason == "A role can be changed only by those who hold its scopes: credits:grant."
    for role in ("service", "administrator"):
        assert "by those who hold its scopes" in text_of(browser.post(_page(_role(role)), {"name": "mine"}))
        assert "by those who hold its scopes" in text_of(browser.post(_page(_role(role), "delete")))
    user = make_user(is_staff=True)
    answer = browser.post(f"{USERS}{user.pk}/change/", {"roles": ["finance"], "is_staff": "on"})
    assert "You cannot give scopes that you lack" in form_errors(answer)["__all__"][0]
    assert user.groups.count() == 0


def _role(name: str) -> Role:
    return Role.objects.get(name=name)


@pytest.mark.parametrize("page", ["", "{id}/change/", "add/", "{id}/delete/"])
def test_roles_need_the_view_permission(limited, page):
    address = ROLES + page.format(id=Role.objects.get(name="service").pk)
    assert limited().get(address).status_code == 403
    customer = browser_of(make_user())
    assert customer.get(address).headers["location"].startswith("/admin/login/")


def test_key_page_shows_ineffective_scopes(browser):
    key = make_bare_key(make_user(), scopes=["keys:*", "mine"])
    page = text_of(browser.get(f"{KEYS}{key.id}/change/"))
    assert "Scopes not in effect" in page
    assert '<div class="readonly">keys:verify</div>' in page
    mine = make_bare_key(make_staff(), scopes=["keys:verify"])
    assert '<div class="readonly">none</div>' in text_of(browser.get(f"{KEYS}{mine.id}/change/"))


def test_key_with_scopes_its_owner_lacks_is_refused(browser):
    form = {"user": make_user().pk, "name": "k", "environment": "live", "scopes": "keys:verify", "metadata": "{}"}
    (reason,) = form_errors(browser.post(f"{KEYS}add/", form))["scopes"]
    assert reason == "The owner needs a role with the scope keys:verify: administrator or service."
    assert not AuditEvent.objects.exists()


def test_history_is_the_audit_trail(browser):
    role = make_role()
    answer = browser.get(_page(role, "history"))
    assert answer.headers["location"] == f"{EVENTS}?target_kind=role&target_id={role.pk}"

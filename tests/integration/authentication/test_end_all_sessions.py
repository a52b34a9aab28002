"""`end_all_sessions`."""

import io
import json

import pytest
from django.core.management import call_command

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.models import AuditEvent
from apps.authentication.dependencies import session_repository, session_service
from apps.authentication.models import Session
from apps.authentication.services.everybodys_sessions import EverybodysSessions
from apps.core.authorization.principal import OPERATOR, Principal
from apps.core.errors import NotAllowed
from apps.core.event_loop.sync_calls import call_service
from tests.support.callers import staff_of
from tests.support.factories import make_staff, make_user
from tests.support.sessions import sign_in
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.usefixtures("database")


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("end_all_sessions", *options, stdout=out)
    return out.getvalue()


def caller(headers: dict[str, str]) -> Principal | None:
    return call_service(session_service().authenticate, headers["Authorization"].removeprefix("Bearer "))


def test_everybody_is_signed_out_at_both_doors_at_once():
    ann, ben, staff = make_user(), make_user(), make_staff()
    devices = [sign_in(ann), sign_in(ben), sign_in(ann)]
    browser = browser_of(staff)
    assert json.loads(run("--json")) == {"sessions": 4}
    assert [caller(headers) for headers in devices] == [None] * 3
    assert browser.get("/admin/").headers["location"].startswith("/admin/login/")
    assert {session.revoked_reason for session in Session.objects.all()} == {"all sessions were ended"}
    assert caller(sign_in(ann)) is not None


def test_each_account_has_an_event_of_it():
    ann, ben = make_user(), make_user()
    for owner in (ann, ben, ann):
        sign_in(owner)
    first, second, third = Session.objects.order_by("id").values_list("id", flat=True)
    run()
    told = AuditEvent.objects.order_by("id").values_list("action", "actor_kind", "subject_id", "after")
    assert list(told) == [
        ("sessions.ended", "operator", ann.pk, {"everywhere": True, "session_ids": [first, third]}),
        ("sessions.ended", "operator", ben.pk, {"everywhere": True, "session_ids": [second]}),
    ]


def test_whatever_the_batches_none_is_left_and_what_is_over_stays_as_it_was():
    user = make_user()
    for _ in range(7):
        sign_in(user)
    over = Session.objects.earliest("id")
    call_service(session_repository().revoke, over.pk, user.pk, AuditEntry(OPERATOR, "session.ended", "session"))
    ended = call_service(EverybodysSessions(session_repository(), batch_size=2).end, OPERATOR)
    assert ended.sessions == 6
    assert not Session.objects.filter(revoked_at=None).exists()
    assert Session.objects.get(pk=over.pk).revoked_reason == "signed out"
    assert run() == "sessions: 0\n"


def test_staff_who_are_no_superusers_end_nobody_s():
    sign_in(make_user())
    with pytest.raises(NotAllowed):
        call_service(EverybodysSessions(session_repository()).end, staff_of(1))
    assert (Session.objects.filter(revoked_at=None).count(), AuditEvent.objects.count()) == (1, 0)

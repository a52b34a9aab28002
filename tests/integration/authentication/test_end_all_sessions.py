"""`end_all_sessions`."""

import io
import json

import pytest
from django.core.management import call_command

from apps.audit.models import AuditEvent
from apps.authentication.dependencies import account_sessions, session_revocation, session_service
from apps.authentication.models import Session
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.services.session_service import AccountSessions
from apps.core.authorization.principal import OPERATOR, Principal
from apps.core.errors import NotAllowed
from apps.core.event_loop import call_service
from apps.users.dependencies import accounts, user_service
from tests.support.callers import session_of, staff_of
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


def test_all_sessions_of_api_and_admin_end_at_once():
    ann, ben, staff = make_user(), make_user(), make_staff()
    devices = [sign_in(ann), sign_in(ben), sign_in(ann)]
    browser = browser_of(staff)
    assert json.loads(run("--json")) == {"sessions": 4}
    assert [caller(headers) for headers in devices] == [None] * 3
    assert browser.get("/admin/").headers["location"].startswith("/admin/login/")
    assert {session.revoked_reason for session in Session.objects.all()} == {"all sessions were ended"}
    assert caller(sign_in(ann)) is not None


def test_each_account_has_an_event():
    ann, ben = make_user(), make_user()
    for owner in (ann, ben, ann):
        sign_in(owner)
    first, second, third = Session.objects.order_by("id").values_list("id", flat=True)
    run()
    recorded = AuditEvent.objects.order_by("id").values_list("action", "actor_kind", "subject_id", "after")
    assert list(recorded) == [
        ("sessions.ended", "operator", ann.pk, {"everywhere": True, "session_ids": [first, third]}),
        ("sessions.ended", "operator", ben.pk, {"everywhere": True, "session_ids": [second]}),
    ]


def test_batches_leave_none_and_do_not_touch_ended_sessions():
    user = make_user()
    for _ in range(7):
        sign_in(user)
    ended = Session.objects.earliest("id")
    call_service(session_service().logout, session_of(user.pk, session_id=ended.pk))
    sessions = AccountSessions(LiveSessionRepository(), session_revocation(), user_service(), accounts(), batch_size=2)
    result = call_service(sessions.end_of_all_accounts, OPERATOR)
    assert result.sessions == 6
    assert not Session.objects.filter(revoked_at=None).exists()
    assert Session.objects.get(pk=ended.pk).revoked_reason == "signed out"
    assert run() == "sessions: 0\n"


def test_only_superusers_end_all_sessions():
    sign_in(make_user())
    with pytest.raises(NotAllowed):
        call_service(account_sessions().end_of_all_accounts, staff_of(1))
    assert (Session.objects.filter(revoked_at=None).count(), AuditEvent.objects.count()) == (1, 0)

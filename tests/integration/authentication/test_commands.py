"""`changepassword` and `clean_up`."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as AdminSession
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.models import LoginAttempt, Session, SigningKey
from apps.authentication.repositories.clean_up_repository import CleanUpRepository
from apps.core.background.clean_up import in_batches
from apps.core.event_loop import call_service
from apps.users.models import User
from tests.support.factories import PASSWORD, make_user
from tests.support.sessions import sign_in

pytestmark = pytest.mark.usefixtures("database")

NEW_PASSWORD = "another long and quiet sentence"
Type = Callable[..., None]


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Have the operator answer the prompts with these."""

    def prepare(*answers: str) -> None:
        typed = iter(answers)
        monkeypatch.setattr("getpass.getpass", lambda **_options: next(typed))

    return prepare


def test_changed_password_ends_every_session_of_the_account_and_no_other(type_in: Type):
    user, other = make_user(email="Ann@example.com"), make_user()
    for owner in (user, user, other):
        sign_in(owner)
    type_in(NEW_PASSWORD, NEW_PASSWORD)
    assert "changed successfully" in run("changepassword", "ann@EXAMPLE.com")
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    ended = Session.objects.exclude(revoked_at=None)
    assert [(row.user_id, row.revoked_reason) for row in ended] == [(user.pk, "password changed")] * 2
    event = AuditEvent.objects.get()
    assert (event.action, event.target_kind, event.target_id) == ("user.password_changed", "user", user.pk)
    assert (event.actor_kind, event.actor_id) == ("operator", None)


def test_password_may_be_typed_three_times(type_in: Type):
    user = make_user()
    type_in(NEW_PASSWORD, "something else", "short", "short", NEW_PASSWORD, NEW_PASSWORD)
    output = run("changepassword", user.email)
    assert "do not match" in output
    assert "too short" in output
    assert "changed successfully" in output


@pytest.mark.parametrize("typed", ["short", "x" * 257])
def test_refused_password_changes_nothing(type_in: Type, typed: str):
    user = make_user(PASSWORD)
    sign_in(user)
    type_in(*[typed] * 6)
    with pytest.raises(CommandError, match="after 3 attempts"):
        run("changepassword", user.email)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert (Session.objects.get().revoked_at, AuditEvent.objects.count()) == (None, 0)


def test_missing_account_is_refused_before_the_password_prompt():
    make_user(email="gone@example.com", deleted_at=timezone.now())
    for email in ("gone@example.com", "nobody@example.com"):
        with pytest.raises(CommandError, match="No account"):
            run("changepassword", email)


def make_attempt(number: int, failed: timedelta, locked: timedelta | None = None) -> LoginAttempt:
    now = timezone.now()
    return LoginAttempt.objects.create(
        account_digest=bytes([number]) * 32,
        client_address="192.0.2.1",
        failures=5,
        last_failed_at=now - failed,
        locked_until=None if locked is None else now + locked,
    )


def make_session(user: User, number: int, expires: timedelta, revoked: timedelta | None = None) -> Session:
    now = timezone.now()
    return Session.objects.create(
        user=user,
        family_digest=bytes([number]) * 32,
        last_used_at=now,
        expires_at=now + expires,
        revoked_at=None if revoked is None else now + revoked,
    )


def make_signing_key(number: int, retired: timedelta | None) -> SigningKey:
    retires_at = None if retired is None else timezone.now() - retired
    return SigningKey.objects.create(
        kid=f"key {number}", public_key=bytes(32), private_key_encrypted=b"", retires_at=retires_at
    )


def clean_up() -> Any:
    return json.loads(run("clean_up", "--json"))


def test_expired_login_attempts_are_deleted():
    day, hour = timedelta(days=1), timedelta(hours=1)
    make_attempt(1, day + hour)
    make_attempt(2, day + hour, locked=-hour)
    kept = {make_attempt(3, day - hour).pk, make_attempt(4, day + hour, locked=hour).pk}
    assert clean_up()["login_attempts"] == 2
    assert set(LoginAttempt.objects.values_list("pk", flat=True)) == kept
    assert clean_up()["login_attempts"] == 0


def test_known_clients_are_kept_for_ninety_days():
    day, now = timedelta(days=1), timezone.now()
    make_attempt(1, 100 * day)
    for number, days in ((2, 89), (3, 91)):
        attempt = make_attempt(number, 100 * day)
        LoginAttempt.objects.filter(pk=attempt.pk).update(last_failed_at=None, signed_in_at=now - days * day)
    assert clean_up()["login_attempts"] == 2
    assert [bytes(row.account_digest)[0] for row in LoginAttempt.objects.all()] == [2]


def test_sessions_that_ended_ninety_days_ago_are_deleted():
    day, user = timedelta(days=1), make_user()
    make_session(user, 1, expires=-91 * day)
    make_session(user, 2, expires=20 * day, revoked=-91 * day)
    make_session(user, 3, expires=-91 * day, revoked=-1 * day)
    kept = [
        make_session(user, 4, expires=day),
        make_session(user, 5, expires=-89 * day),
        make_session(user, 6, expires=day, revoked=-89 * day),
    ]
    assert clean_up()["sessions"] == 3
    assert list(Session.objects.order_by("id")) == kept


def test_signing_keys_that_retired_a_month_ago_are_deleted():
    day = timedelta(days=1)
    make_signing_key(1, 31 * day)
    kept = [make_signing_key(2, 29 * day), make_signing_key(3, -day), make_signing_key(4, None)]
    assert clean_up()["signing_keys"] == 1
    assert list(SigningKey.objects.order_by("id")) == kept


def test_expired_sessions_of_the_admin_are_deleted():
    now = timezone.now()
    AdminSession.objects.create(session_key="old", session_data="", expire_date=now - timedelta(hours=1))
    AdminSession.objects.create(session_key="new", session_data="", expire_date=now + timedelta(hours=1))
    assert "admin_sessions: 1" in run("clean_up")
    assert [row.session_key for row in AdminSession.objects.all()] == ["new"]


def test_batches_delete_all_expired_rows():
    user, repository = make_user(), CleanUpRepository()
    for number in range(5):
        make_attempt(number, timedelta(days=2))
        make_session(user, number, expires=timedelta(days=-91))
        make_signing_key(number, timedelta(days=31))
    assert call_service(repository.delete_login_attempts, 2) == 2
    assert call_service(repository.delete_sessions, 2) == 2
    assert call_service(repository.delete_signing_keys, 2) == 2
    rest = (repository.delete_login_attempts, repository.delete_sessions, repository.delete_signing_keys)
    assert [call_service(in_batches(delete, 2)) for delete in rest] == [3, 3, 3]

"""Changing and setting passwords."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.schemas.password import PasswordChange
from apps.authentication.services.in_transaction.password_replacement import PasswordReplacement
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.authentication.services.password_service import PasswordService
from apps.core.authorization.principal import OPERATOR
from apps.core.crypto.passwords import password_matches
from apps.core.errors import NotAllowed, NotFound, StepUpRequired, ValidationFailed, WrongPassword
from apps.second_factors.services.factor_rights import FactorRights
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.callers import key_of, session_of
from tests.support.fakes import FakeAudit
from tests.unit.authentication.fakes import (
    ME,
    NEW_SECRET,
    SECRET,
    SESSION,
    FakeCredentials,
    FakeFactorCounts,
    FakeNotifier,
    FakePasswordCheck,
    FakeSessions,
    FakeTokens,
    NoKeys,
    built,
    one_session,
)

pytestmark = pytest.mark.unit

OTHER_DEVICE = 12


class Scene:
    """The service with everything it is given; the account has two sessions."""

    def __init__(self) -> None:
        session = one_session(new_family().family_digest)
        self.sessions = FakeSessions(session, one_session(b"x" * 32, session.user, pk=OTHER_DEVICE))
        self.credentials = FakeCredentials(session.user)
        self.factors = FakeFactorCounts()
        self.tokens = FakeTokens()
        self.notifier = FakeNotifier()
        self.audit = FakeAudit()
        replacement = built(
            PasswordReplacement,
            self.credentials,
            built(SessionRevocation, self.sessions, self.audit),
            self.tokens,
            self.notifier,
            self.audit,
            reviews=NoKeys(),
            takeover=None,  # a change takes nothing over
        )
        passwords = FakePasswordCheck(self.credentials)
        rights = built(FactorRights, self.factors, None)
        self.service = built(PasswordService, passwords, self.credentials, rights, replacement)

    @property
    def hash_stored(self) -> str:
        ((_, user_id, password_hash),) = self.credentials.calls
        assert user_id == ME
        stored: str = password_hash
        return stored


@pytest.fixture
def scene() -> Scene:
    return Scene()


def password_change(current=SECRET, new=NEW_SECRET):
    return PasswordChange(current_password=SecretStr(current), new_password=SecretStr(new))


async def test_changed_password_keeps_the_current_session_only(scene):
    await scene.service.change(session_of(ME, session_id=SESSION), password_change())
    assert await password_matches(NEW_SECRET, scene.hash_stored)
    assert scene.sessions.calls == [("revoke", [OTHER_DEVICE], "password changed")]
    (entry,) = scene.audit.entries
    assert (entry.action, entry.target_id, entry.before, entry.after) == ("user.password_changed", ME, {}, {})


async def test_changed_password_voids_tokens_and_notifies_the_owner(scene):
    caller = session_of(ME, session_id=SESSION)
    await scene.service.change(caller, password_change())
    assert scene.tokens.voided == [ME]
    ((user_id, what, _, actor),) = scene.notifier.notices
    assert (user_id, what, actor) == (ME, SecurityNotice.PASSWORD_CHANGED, caller)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (password_change(current="wrong"), WrongPassword),
        (password_change(new="password"), ValidationFailed),
        (password_change(new="ann@example.com"), ValidationFailed),
    ],
    ids=["wrong current", "common", "like the address"],
)
async def test_refused_change_changes_nothing(scene, change, error):
    with pytest.raises(error):
        await scene.service.change(session_of(ME, session_id=SESSION), change)
    assert (scene.credentials.calls, scene.sessions.calls, scene.audit.entries) == ([], [], [])


async def test_password_that_has_changed_meanwhile_is_not_replaced(scene, monkeypatch):
    genuine = scene.credentials.get

    async def get(user_id: int) -> Any:
        return replace(await genuine(user_id), password_hash="argon2$the hash before")

    monkeypatch.setattr(scene.credentials, "get", get)
    with pytest.raises(WrongPassword):
        await scene.service.change(session_of(ME, session_id=SESSION), password_change())
    assert (scene.credentials.calls, scene.sessions.calls) == ([], [])


async def test_account_with_a_second_factor_needs_reauthentication_by_it(scene):
    scene.factors.has_totp = True
    stale = session_of(ME, session_id=SESSION, methods=frozenset({"pwd", "otp"}))
    by_password = replace(stale, methods=frozenset({"pwd"}), recently_authenticated=True)
    for caller in (stale, by_password):
        with pytest.raises(StepUpRequired):
            await scene.service.change(caller, password_change())
    assert scene.credentials.calls == []
    await scene.service.change(replace(stale, recently_authenticated=True), password_change())
    assert [call[0] for call in scene.credentials.calls] == ["set_password"]


async def test_api_key_changes_no_password(scene):
    with pytest.raises(NotAllowed):
        await scene.service.change(key_of(ME, "account:read", "account:write"), password_change())
    assert scene.credentials.calls == []


async def test_operator_sets_a_password_and_ends_every_session(scene):
    await scene.service.set(OPERATOR, ME, NEW_SECRET)
    assert await password_matches(NEW_SECRET, scene.hash_stored)
    assert scene.sessions.calls == [("revoke", [SESSION, OTHER_DEVICE], "password changed")]
    assert [(entry.action, entry.actor) for entry in scene.audit.entries] == [("user.password_changed", OPERATOR)]


async def test_password_of_a_missing_account_is_not_set(scene):
    with pytest.raises(NotFound):
        await scene.service.set(OPERATOR, 404, NEW_SECRET)
    assert scene.audit.entries == []


@pytest.mark.parametrize("caller", [session_of(ME), session_of(ME, is_staff=True)])
async def test_only_superusers_set_a_password_without_the_current_one(scene, caller):
    with pytest.raises(NotAllowed):
        await scene.service.set(caller, ME, NEW_SECRET)
    assert scene.credentials.calls == []

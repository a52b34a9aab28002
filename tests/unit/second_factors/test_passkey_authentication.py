"""Authenticating with passkeys, with the rows in memory."""

from typing import Any

import pytest

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.core.authorization.principal import ANONYMOUS
from apps.one_time_tokens.repositories.one_time_token_repository import StoredToken
from apps.second_factors.domain.presented_factors import Assertion
from apps.second_factors.schemas.passkey import PasskeyAssertion
from apps.second_factors.services.passkey_authentication import PasskeyAuthenticated, PasskeyAuthentication
from apps.second_factors.services.relying_party import CredentialRefused
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.fakes import FakeAccounts, FakeAudit, FakeUsers, unsaved_user
from tests.support.software_authenticator import base64url
from tests.unit.second_factors.fake_factors import ME, OTHER, PASSKEY, FakeNotifier, FakePasskeys

pytestmark = pytest.mark.unit

CHALLENGE = "A" * 43


class Challenges:
    """One challenge, valid once."""

    ttl_seconds = 300

    def __init__(self, user_id: int | None) -> None:
        self.stored: StoredToken | None = StoredToken(user_id, {})

    async def spend(self, token: str) -> StoredToken | None:
        stored, self.stored = self.stored, None
        return stored if token == CHALLENGE else None


class Party:
    """Reads every assertion alike, and keeps what it was given."""

    def __init__(self, shown: Assertion | None) -> None:
        self.shown = shown
        self.given: tuple[Any, ...] = ()

    def read_assertion(self, *given: Any, must_verify_user: bool) -> Assertion:
        self.given = (*given, must_verify_user)
        if self.shown is None:
            raise CredentialRefused
        return self.shown


def shown(**fields: Any) -> Assertion:
    usual = {"sign_count": 4, "is_user_verified": True, "is_backup_eligible": False, "is_backed_up": False}
    return Assertion(**{**usual, **fields})


class Scene:
    """The service with everything that it uses."""

    def __init__(self, *, is_passwordless: bool = True, asked_of: int | None = None) -> None:
        self.passkeys, self.party = FakePasskeys(), Party(shown())
        self.users, self.audit, self.notifier = FakeUsers(unsaved_user(ME)), FakeAudit(), FakeNotifier()
        self.accounts = FakeAccounts(self.users)
        parts: Any = (self.passkeys, self.party, Challenges(asked_of), self.accounts)
        reporting: Any = {"audit": self.audit, "notifier": self.notifier}
        self.service = PasskeyAuthentication(*parts, **reporting, is_passwordless=is_passwordless)

    @property
    def recorded(self) -> list[str]:
        return [entry.action for entry in self.audit.entries]


def answer(credential_id: bytes = b"known", handle: bytes | None = b"handle") -> PasskeyAssertion:
    known_as = base64url(credential_id)
    response = {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}
    if handle is not None:
        response["userHandle"] = base64url(handle)
    credential: Any = {"id": known_as, "rawId": known_as, "type": "public-key", "response": response}
    return PasskeyAssertion(challenge=CHALLENGE, credential=credential)


async def test_methods_name_the_kind_of_key():
    scene = Scene()
    assert await scene.service.verify(answer(), None) == PasskeyAuthenticated(ME, ("hwk", "user"))
    assert (scene.passkeys.uses, scene.accounts.locked) == ([(PASSKEY, ME, 4)], [ME])
    scene = Scene(is_passwordless=False, asked_of=ME)
    scene.passkeys.passkey.is_backup_eligible = True
    scene.party.shown = shown(is_backup_eligible=True, is_user_verified=False)
    assert await scene.service.verify(answer(handle=None), ME) == PasskeyAuthenticated(ME, ("swk",))


@pytest.mark.parametrize(("is_passwordless", "asked_of"), [(True, None), (False, ME)])
async def test_response_is_read_with_the_stored_key_and_a_passwordless_one_must_verify_its_user(
    is_passwordless: bool, asked_of: int | None
):
    scene = Scene(is_passwordless=is_passwordless, asked_of=asked_of)
    scene.passkeys.passkey.public_key = b"its public key"
    response = answer()
    assert await scene.service.verify(response, asked_of) is not None
    assert scene.party.given == (response.credential, CHALLENGE, b"its public key", is_passwordless)


async def test_challenge_is_spent_by_every_response():
    scene = Scene()
    assert await scene.service.verify(answer(b"unknown"), None) is None
    assert await scene.service.verify(answer(), None) is None
    assert scene.passkeys.uses == []


@pytest.mark.parametrize(("asked_of", "user_id"), [(None, ME), (ME, None), (OTHER, ME), (OTHER, OTHER)])
async def test_challenge_and_passkey_of_different_accounts_are_refused(asked_of: int | None, user_id: int | None):
    scene = Scene(is_passwordless=False, asked_of=asked_of)
    assert await scene.service.verify(answer(), user_id) is None
    assert scene.passkeys.uses == []


@pytest.mark.parametrize("handle", [None, b"another"])
async def test_passwordless_sign_in_without_the_accounts_handle_is_refused(handle: bytes | None):
    scene = Scene()
    assert await scene.service.verify(answer(handle=handle), None) is None
    assert (scene.passkeys.uses, scene.recorded) == ([], ["passkey.refused"])


async def test_invalid_signature_is_recorded_and_stores_nothing():
    scene = Scene()
    scene.party.shown = None
    assert await scene.service.verify(answer(), None) is None
    assert (scene.passkeys.uses, scene.recorded, scene.notifier.notices) == ([], ["passkey.refused"], [])


async def test_changed_backup_eligibility_is_refused():
    scene = Scene()
    scene.party.shown = shown(is_backup_eligible=True)
    assert await scene.service.verify(answer(), None) is None
    assert scene.passkeys.uses == []


async def test_counter_that_did_not_grow_is_refused_and_the_owner_notified():
    scene = Scene()
    scene.passkeys.is_accepted = False
    assert await scene.service.verify(answer(), None) is None
    assert scene.audit.entries == [
        AuditEntry(ANONYMOUS, "passkey.cloned", "passkey", PASSKEY, subject_id=ME, outcome=Outcome.FAILURE)
    ]
    assert scene.notifier.notices == [(ME, SecurityNotice.PASSKEY_CLONED, f"passkey:{PASSKEY}:4")]


@pytest.mark.parametrize("missing", ["passkey", "account"])
async def test_passkey_or_account_deleted_meanwhile_is_refused_and_nothing_recorded(missing: str):
    scene = Scene()
    scene.passkeys.is_accepted = scene.passkeys.is_left = False
    if missing == "account":
        scene.users.users.clear()
    assert await scene.service.verify(answer(), None) is None
    assert (scene.recorded, scene.notifier.notices, scene.passkeys.uses) == ([], [], [])

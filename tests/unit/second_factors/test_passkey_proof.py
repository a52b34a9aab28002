"""Judging passkeys, with the rows in memory."""

from typing import Any

import pytest

from apps.core.errors import NotFound
from apps.one_time_tokens.repositories.old_one_time_token_repository import StoredToken
from apps.second_factors.models import Passkey
from apps.second_factors.schemas.passkey import PasskeyAssertion
from apps.second_factors.services.passkey_proof import PasskeyProof, PasskeyProven
from apps.second_factors.services.relying_party import Assertion, CredentialRefused
from tests.support.software_authenticator import base64url

pytestmark = pytest.mark.unit

ME, OTHER, PASSKEY = 1, 2, 5
CHALLENGE = "A" * 43


class Challenges:
    """One challenge, good once."""

    ttl_seconds = 300

    def __init__(self, user_id: int | None) -> None:
        self.stored: StoredToken | None = StoredToken(user_id, {})

    async def spend_alone(self, _token: str) -> StoredToken | None:
        stored, self.stored = self.stored, None
        return stored


class Passkeys:
    """One passkey; `uses` are what was stored of it."""

    def __init__(self) -> None:
        self.passkey = Passkey(pk=PASSKEY, user_id=ME, user_handle=b"handle", is_backup_eligible=False, public_key=b"")
        self.uses: list[Any] = []
        self.is_accepted, self.has_account = True, True

    async def find(self, credential_id: bytes) -> Passkey | None:
        return self.passkey if credential_id == b"known" else None

    async def use(self, use: Any, _cloned: Any) -> bool:
        if not self.has_account:
            raise NotFound
        self.uses.append(use)
        return self.is_accepted


class Party:
    """Reads every assertion alike."""

    def __init__(self, shown: Assertion | None) -> None:
        self.shown = shown

    def read_assertion(self, *_args: Any, **_options: Any) -> Assertion:
        if self.shown is None:
            raise CredentialRefused
        return self.shown


def shown(**fields: Any) -> Assertion:
    usual = {"sign_count": 4, "is_user_verified": True, "is_backup_eligible": False, "is_backed_up": False}
    return Assertion(**{**usual, **fields})


class Scene:
    """A judge with everything it is given."""

    def __init__(self, *, is_passwordless: bool = True, asked_of: int | None = None) -> None:
        self.passkeys, self.party = Passkeys(), Party(shown())
        self.notes: list[str] = []
        challenges: Any = Challenges(asked_of)
        parts: Any = (self.passkeys, self.party, challenges, self._note)
        self.proof = PasskeyProof(*parts, is_passwordless=is_passwordless)

    async def _note(self, entry: Any) -> None:
        self.notes.append(entry.action)


def answer(credential_id: bytes = b"known", handle: bytes | None = b"handle") -> PasskeyAssertion:
    known_as = base64url(credential_id)
    response = {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}
    if handle is not None:
        response["userHandle"] = base64url(handle)
    credential: Any = {"id": known_as, "rawId": known_as, "type": "public-key", "response": response}
    return PasskeyAssertion(challenge=CHALLENGE, credential=credential)


async def test_what_is_proven_is_named_by_the_kind_of_key():
    scene = Scene()
    assert await scene.proof.judge(answer(), None) == PasskeyProven(ME, ("hwk", "user"))
    ((use,),) = [scene.passkeys.uses]
    assert (use.passkey_id, use.user_id, use.sign_count) == (PASSKEY, ME, 4)
    scene = Scene(is_passwordless=False, asked_of=ME)
    scene.passkeys.passkey.is_backup_eligible = True
    scene.party.shown = shown(is_backup_eligible=True, is_user_verified=False)
    assert await scene.proof.judge(answer(handle=None), ME) == PasskeyProven(ME, ("swk",))


async def test_a_challenge_is_spent_whatever_comes():
    scene = Scene()
    assert await scene.proof.judge(answer(b"unknown"), None) is None
    assert await scene.proof.judge(answer(), None) is None
    assert scene.passkeys.uses == []


@pytest.mark.parametrize(("asked_of", "user_id"), [(None, ME), (ME, None), (OTHER, ME), (OTHER, OTHER)])
async def test_a_challenge_and_a_passkey_are_of_one_account(asked_of: int | None, user_id: int | None):
    scene = Scene(is_passwordless=False, asked_of=asked_of)
    assert await scene.proof.judge(answer(), user_id) is None
    assert scene.passkeys.uses == []


@pytest.mark.parametrize("handle", [None, b"another"])
async def test_who_signs_in_by_a_passkey_alone_has_to_be_named_by_it(handle: bytes | None):
    scene = Scene()
    assert await scene.proof.judge(answer(handle=handle), None) is None
    assert (scene.passkeys.uses, scene.notes) == ([], ["passkey.refused"])


async def test_what_is_not_signed_rightly_is_noted_and_stores_nothing():
    scene = Scene()
    scene.party.shown = None
    assert await scene.proof.judge(answer(), None) is None
    assert (scene.passkeys.uses, scene.notes) == ([], ["passkey.refused"])


async def test_whether_it_may_be_copied_never_changes():
    scene = Scene()
    scene.party.shown = shown(is_backup_eligible=True)
    assert await scene.proof.judge(answer(), None) is None
    assert scene.passkeys.uses == []


async def test_a_counter_that_did_not_grow_and_an_account_that_is_gone_prove_nothing():
    scene = Scene()
    scene.passkeys.is_accepted = False
    assert await scene.proof.judge(answer(), None) is None
    scene = Scene()
    scene.passkeys.has_account = False
    assert await scene.proof.judge(answer(), None) is None

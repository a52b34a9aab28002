"""The second step of signing in, with the tokens in memory."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.authentication.services.proof import Proof
from apps.authentication.services.second_step import SecondStep
from apps.core.errors import NotAuthenticated
from apps.one_time_tokens.repositories.old_one_time_token_repository import StoredToken
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_proof import PasskeyProven
from apps.users.services.credentials import password_digest
from tests.unit.authentication.fake_sessions import ME, FakeFactors, FakePasskeys

pytestmark = pytest.mark.unit

TOKEN, HASH = "token", "argon2$hash"


class Tokens:
    """One token at most."""

    ttl_seconds = 300

    def __init__(self) -> None:
        self.stored: StoredToken | None = None
        self.attempts = 0

    async def issue_alone(self, user_id: int, data: Mapping[str, Any]) -> str:
        self.stored = StoredToken(user_id, dict(data))
        return TOKEN

    async def attempt(self, token: str, maximum: int) -> StoredToken | None:
        self.attempts += 1
        return self.stored if token == TOKEN and self.attempts <= maximum else None

    async def spend_alone(self, _token: str) -> StoredToken | None:
        stored, self.stored = self.stored, None
        return stored


class Scene:
    """The service with everything it is given."""

    def __init__(self, *kinds: FactorKind, code: str = "", proven: PasskeyProven | None = None) -> None:
        self.tokens = Tokens()
        self.notes: list[tuple[Any, ...]] = []
        parts: Any = (FakeFactors(*kinds, code=code), FakePasskeys(proven), self.tokens, self._note)
        self.step = SecondStep(*parts)

    async def _note(self, entry: Any) -> None:
        self.notes.append((entry.action, entry.account_id, entry.after))


async def test_an_account_without_a_second_factor_is_asked_for_nothing():
    scene = Scene()
    assert await scene.step.ask_if_needed(Proof(ME, ("pwd",), HASH)) is None
    assert (scene.tokens.stored, scene.notes) == (None, [])


@pytest.mark.parametrize("methods", [("pwd", "otp"), ("hwk", "user"), ("fed", "swk")])
async def test_a_proof_by_a_second_factor_is_enough(methods: tuple[str, ...]):
    assert await Scene(FactorKind.TOTP).step.ask_if_needed(Proof(ME, methods)) is None


@pytest.mark.parametrize("methods", [("pwd",), ("fed",), ("user",)])
async def test_one_factor_is_kept_without_the_hash_of_the_password(methods: tuple[str, ...]):
    scene = Scene(FactorKind.TOTP, FactorKind.RECOVERY_CODE)
    needed = await scene.step.ask_if_needed(Proof(ME, methods, HASH))
    assert needed is not None
    assert (needed.second_factor_token, needed.kinds, needed.expires_in) == (TOKEN, ["totp", "recovery_code"], 300)
    assert scene.tokens.stored == StoredToken(ME, {"methods": list(methods), "judged_digest": password_digest(HASH)})
    assert scene.notes == [("second_factor.asked", ME, {"methods": list(methods)})]


async def test_a_code_makes_the_proof_whole_and_spends_the_token():
    scene = Scene(FactorKind.TOTP, code="123456")
    await scene.step.ask_if_needed(Proof(ME, ("pwd",), HASH))
    whole = await scene.step.with_code(TOKEN, "123456")
    assert whole == Proof(ME, ("pwd", "otp"), judged_digest=password_digest(HASH))
    assert whole.digest == password_digest(HASH)
    with pytest.raises(NotAuthenticated) as refusal:
        await scene.step.with_code(TOKEN, "123456")
    assert refusal.value.public_code == "SECOND_FACTOR_EXPIRED"


async def test_a_wrong_code_leaves_the_token_for_five_attempts_in_all():
    scene = Scene(FactorKind.TOTP, code="123456")
    await scene.step.ask_if_needed(Proof(ME, ("pwd",), HASH))
    codes = []
    for code in ("000000",) * 5 + ("123456",):
        with pytest.raises(NotAuthenticated) as refusal:
            await scene.step.with_code(TOKEN, code)
        codes.append(refusal.value.public_code)
    assert codes == ["WRONG_CODE"] * 5 + ["SECOND_FACTOR_EXPIRED"]


async def test_a_passkey_makes_the_proof_whole():
    scene = Scene(FactorKind.PASSKEY, proven=PasskeyProven(ME, ("hwk", "user")))
    await scene.step.ask_if_needed(Proof(ME, ("fed",)))
    assertion: Any = None
    assert await scene.step.with_passkey(TOKEN, assertion) == Proof(ME, ("fed", "hwk", "user"))


async def test_a_passkey_that_is_refused_leaves_the_token():
    scene = Scene(FactorKind.PASSKEY)
    await scene.step.ask_if_needed(Proof(ME, ("pwd",), HASH))
    assertion: Any = None
    with pytest.raises(NotAuthenticated) as refusal:
        await scene.step.with_passkey(TOKEN, assertion)
    assert (refusal.value.public_code, scene.tokens.stored is None) == ("PASSKEY_REFUSED", False)

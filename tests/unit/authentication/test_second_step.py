"""The second step of signing in, with the tokens in memory."""

from typing import Any

import pytest

from apps.authentication.domain.session_rules import Authentication
from apps.authentication.services.second_step import SecondStep
from apps.core.errors import DomainError, NotAuthenticated, PasskeyRefused
from apps.one_time_tokens.repositories.one_time_token_repository import StoredToken
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_authentication import PasskeyAuthenticated
from apps.users.services.credentials import password_digest
from tests.support.fakes import FakeAudit
from tests.unit.authentication.fakes import HASH, ME, FakeFactors, FakePasskeys, FakeTokens

pytestmark = pytest.mark.unit

TOKEN, DIGEST = FakeTokens.TOKEN, password_digest(HASH)
BY_PASSWORD = Authentication(ME, ("pwd",), DIGEST)


class Scene:
    """The service with everything it is given."""

    def __init__(self, *kinds: FactorKind, code: str = "", authenticated: PasskeyAuthenticated | None = None) -> None:
        self.tokens = FakeTokens()
        self.audit = FakeAudit()
        self.passkeys = FakePasskeys(authenticated)
        parts: Any = (FakeFactors(*kinds, code=code), self.passkeys, self.tokens, self.audit)
        self.step = SecondStep(*parts)


async def test_account_whose_factors_were_removed_meanwhile_signs_in_again():
    scene = Scene()
    with pytest.raises(NotAuthenticated, match="Sign in again"):
        await scene.step.begin(BY_PASSWORD)
    assert (scene.tokens.stored, scene.audit.entries) == (None, [])


@pytest.mark.parametrize("methods", [("pwd",), ("fed",), ("user",)])
async def test_first_step_is_kept_without_the_hash_of_the_password(methods: tuple[str, ...]):
    scene = Scene(FactorKind.TOTP, FactorKind.RECOVERY_CODE)
    needed = await scene.step.begin(Authentication(ME, methods, DIGEST))
    assert (needed.second_factor_token, needed.kinds, needed.expires_in) == (TOKEN, ["totp", "recovery_code"], 300)
    assert scene.tokens.stored == StoredToken(ME, {"methods": list(methods), "judged_digest": DIGEST})
    (entry,) = scene.audit.entries
    assert (entry.action, entry.account_id, entry.after) == ("second_factor.asked", ME, {"methods": list(methods)})


async def test_code_completes_the_authentication_and_spends_the_token():
    scene = Scene(FactorKind.TOTP, code="123456")
    await scene.step.begin(BY_PASSWORD)
    assert await scene.step.with_code(TOKEN, "123456") == Authentication(ME, ("pwd", "otp"), DIGEST)
    with pytest.raises(NotAuthenticated) as refusal:
        await scene.step.with_code(TOKEN, "123456")
    assert refusal.value.code == "SECOND_FACTOR_EXPIRED"


async def test_wrong_code_leaves_the_token_valid_for_five_attempts_in_all():
    scene = Scene(FactorKind.TOTP, code="123456")
    await scene.step.begin(BY_PASSWORD)
    codes = []
    for code in ("000000",) * 5 + ("123456",):
        with pytest.raises(DomainError) as refusal:
            await scene.step.with_code(TOKEN, code)
        codes.append(refusal.value.code)
    assert codes == ["WRONG_CODE"] * 5 + ["SECOND_FACTOR_EXPIRED"]


async def test_passkey_completes_the_authentication():
    scene = Scene(FactorKind.PASSKEY, authenticated=PasskeyAuthenticated(ME, ("hwk", "user")))
    await scene.step.begin(Authentication(ME, ("fed",)))
    assertion: Any = object()
    assert await scene.step.with_passkey(TOKEN, assertion) == Authentication(ME, ("fed", "hwk", "user"))
    assert scene.passkeys.verified == [(assertion, ME)]


async def test_refused_passkey_leaves_the_token_valid():
    scene = Scene(FactorKind.PASSKEY)
    await scene.step.begin(BY_PASSWORD)
    assertion: Any = None
    with pytest.raises(PasskeyRefused) as refusal:
        await scene.step.with_passkey(TOKEN, assertion)
    assert (refusal.value.code, scene.tokens.stored is None) == ("PASSKEY_REFUSED", False)

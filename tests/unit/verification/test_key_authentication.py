"""What a caller's own key makes of it."""

from datetime import timedelta
from typing import Any

import pytest

from apps.core.errors import NotAllowed
from apps.core.security.principal import CredentialKind
from apps.verification.models import Code, Verdict
from apps.verification.services.key_authentication import KeyAuthentication
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
NETWORKS = {"networks": ["192.0.2.0/24"]}
LOCKED = {"owner": {"locked_until": NOW + timedelta(days=1)}}
INACTIVE = {"owner": {"is_active": False}}


class FakeVerification:
    """Gives the same verdict on every key."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    async def judge_caller(self, _key: str, _address: str | None) -> Verdict:
        return self.verdict


def authentication(code: Code, **changes: Any) -> KeyAuthentication:
    verification: Any = FakeVerification(Verdict(code, record(**changes)))
    return KeyAuthentication(verification)


async def test_a_valid_key_is_its_owner():
    principal = await authentication(Code.VALID, scopes=("a:b",)).authenticate("key", HERE)
    assert principal is not None
    assert (principal.user_id, principal.kind, principal.api_key_id) == (7, CredentialKind.API_KEY, 5)
    assert principal.scopes == {"a:b"}


@pytest.mark.parametrize("address", [ELSEWHERE, None, "garbage"])
async def test_an_address_that_is_not_allowed_is_told(address: str | None):
    with pytest.raises(NotAllowed, match="address"):
        await authentication(Code.FORBIDDEN, **NETWORKS).authenticate("key", address)


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        (LOCKED, HERE),
        (LOCKED, None),
        ({**LOCKED, **NETWORKS}, HERE),
        (INACTIVE, HERE),
        ({**INACTIVE, **NETWORKS}, ELSEWHERE),
    ],
)
async def test_an_owner_who_may_not_act_is_no_matter_of_the_address(changes: dict[str, Any], address: str | None):
    assert await authentication(Code.FORBIDDEN, **changes).authenticate("key", address) is None


@pytest.mark.parametrize("code", [Code.DISABLED, Code.EXPIRED])
async def test_other_refusals_are_no_credential(code: Code):
    assert await authentication(code, **NETWORKS).authenticate("key", ELSEWHERE) is None

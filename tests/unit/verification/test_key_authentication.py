"""Authenticating clients by API key."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.api_keys.services.key_format import digest_of, generate_key
from apps.core.authorization.principal import CredentialKind
from apps.core.errors import NotAllowed
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import Code, Detail, Purpose, Verdict, VerificationQuery
from apps.verification.services.key_authentication import KeyAuthentication, principal_of
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

KEY = generate_key("live")
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
LATER = NOW + timedelta(days=1)


class FakeVerification:
    """Returns the same verdict for every query, and keeps the queries."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.queries: list[VerificationQuery] = []

    async def decide(self, query: VerificationQuery) -> Verdict:
        self.queries.append(query)
        return self.verdict


def authentication(code: Code, detail: str | None = None) -> tuple[KeyAuthentication, FakeVerification]:
    verification: Any = FakeVerification(Verdict(code, record(), detail))
    return KeyAuthentication(verification), verification


async def verify(code: Code, detail: str | None = None) -> Verdict:
    return await authentication(code, detail)[0].verify(KEY, HERE, is_metered=True)


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        (Code.VALID, None),
        (Code.RATE_LIMITED, "minute"),
        (Code.DISABLED, Detail.REVOKED),
        (Code.EXPIRED, Detail.KEY),
        (Code.FORBIDDEN, Detail.OWNER_LOCKED),
        (Code.FORBIDDEN, Detail.OWNER_SUSPENDED),
    ],
)
async def test_the_verdict_is_returned(code: Code, detail: str | None):
    verdict = await verify(code, detail)
    assert (verdict.code, verdict.detail) == (code, detail)


@pytest.mark.parametrize(("is_metered", "weight"), [(True, 1), (False, 0)])
async def test_a_metered_use_counts_one_call_and_records_none(is_metered: bool, weight: int):
    keys, verification = authentication(Code.VALID)
    await keys.verify(KEY, HERE, is_metered=is_metered)
    (query,) = verification.queries
    assert (query.digest, query.address) == (digest_of(KEY), parse_address(HERE))
    assert (query.cost, query.weight, query.uses_counters) == (Decimal(0), weight, is_metered)
    assert (query.purpose, query.is_idempotent) == (Purpose.CREDENTIAL, False)


@pytest.mark.parametrize(
    "key",
    ["", "sk_live_", "key", KEY[:-1], KEY + "0", KEY.replace("live", "test")],
    ids=["nothing", "a start", "a word", "one short", "one long", "another environment"],
)
async def test_a_malformed_key_is_not_looked_up(key: str):
    keys, verification = authentication(Code.VALID)
    assert await keys.verify(key, HERE, is_metered=True) == Verdict(Code.NOT_FOUND)
    assert verification.queries == []


async def test_an_address_that_is_not_allowed_is_refused():
    with pytest.raises(NotAllowed, match="address"):
        await verify(Code.FORBIDDEN, Detail.ADDRESS_NOT_ALLOWED)


@pytest.mark.parametrize(("address", "sent"), [(HERE, HERE), (None, None), ("garbage", None)])
async def test_the_client_s_address_is_part_of_the_query(address: str | None, sent: str | None):
    keys, verification = authentication(Code.VALID)
    await keys.verify(KEY, address, is_metered=True)
    # No address, and what cannot be read, are on no allowlist; without one the key may be used.
    (query,) = verification.queries
    assert (query.address, query.has_unreadable_address) == (parse_address(sent) if sent else None, False)


@pytest.mark.parametrize(("is_staff", "is_superuser"), [(False, False), (True, False), (True, True)])
def test_the_principal_is_the_owner_with_the_keys_scopes(is_staff: bool, is_superuser: bool):
    key = record(scopes=["a:b", "c"], owner_is_staff=is_staff, owner_is_superuser=is_superuser)
    principal = principal_of(key)
    assert (principal.user_id, principal.kind, principal.api_key_id) == (7, CredentialKind.API_KEY, 5)
    assert (principal.is_staff, principal.is_superuser) == (is_staff, False)  # a key has scopes only
    assert principal.scopes == {"a:b", "c"}


@pytest.mark.parametrize(
    ("ends", "is_temporary"),
    [({}, False), ({"expires_at": LATER}, False), ({"secret_expires_at": LATER}, True)],
)
def test_the_principal_has_the_presented_secret(ends: dict[str, Any], is_temporary: bool):
    principal = principal_of(record(digest=b"presented", **ends))
    # A secret that a rotation has replaced is temporary; a key with an expiry is not.
    assert (principal.secret_digest, principal.is_temporary) == (b"presented", is_temporary)


async def test_a_use_may_need_scopes():
    keys, verification = authentication(Code.VALID)
    await keys.verify_digest(digest_of(KEY), HERE, ("a:b",), is_metered=True)
    (query,) = verification.queries
    assert (query.digest, query.scopes, query.weight, query.purpose) == (
        digest_of(KEY),
        ("a:b",),
        1,
        Purpose.CREDENTIAL,
    )


async def test_an_inspection_has_no_effects():
    keys, verification = authentication(Code.VALID)
    assert (await keys.inspect(digest_of(KEY), HERE)).code is Code.VALID
    (query,) = verification.queries
    assert (query.weight, query.cost, query.address) == (0, Decimal(0), parse_address(HERE))
    assert (query.purpose, query.uses_counters, query.is_idempotent) == (Purpose.INSPECTION, False, False)


async def test_an_inspection_from_a_refused_address_returns_a_verdict():
    keys, _ = authentication(Code.FORBIDDEN, Detail.ADDRESS_NOT_ALLOWED)
    assert (await keys.inspect(digest_of(KEY), ELSEWHERE)).code is Code.FORBIDDEN

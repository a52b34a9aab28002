"""A key's own rate limits and its budget."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyOut, ApiKeyUpdate
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.core.authorization.catalogue import ACCOUNT_WRITE, KEYS_WRITE
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import NotAllowed
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeAudit, FakeUsers, unsaved_key, unsaved_user
from tests.unit.api_keys.fake_keys import NEW_ID, FakeKeys, service_of

pytestmark = pytest.mark.unit

ME, MINE, COLLEAGUE = 1, 11, 3
MINUTE = {"name": "minute", "limit": 60, "period_seconds": 60}
OTHERS = [session_of(ME), key_of(ME, ACCOUNT_WRITE), key_of(COLLEAGUE, KEYS_WRITE, is_staff=True)]


@pytest.fixture
def keys() -> Any:
    return FakeKeys(unsaved_key(MINE, ME))


@pytest.fixture
def service(keys: Any) -> ApiKeyService:
    return service_of(keys, FakeUsers(unsaved_user(ME), unsaved_user(COLLEAGUE, is_staff=True)), FakeAudit())


def new(**fields: Any) -> ApiKeyCreate:
    return ApiKeyCreate.model_validate({"name": "k", **fields})


def change(**fields: Any) -> ApiKeyUpdate:
    return ApiKeyUpdate.model_validate(fields)


@pytest.mark.parametrize("kind", [new, change])
@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("0", "0.000000"),
        ("12.5", "12.500000"),
        ("0.000001", "0.000001"),
        ("99999999999999.999999", "99999999999999.999999"),
        ("007", "7.000000"),
        (5, "5.000000"),
        (99999999999999, "99999999999999.000000"),
        (Decimal("1E+3"), "1000.000000"),
    ],
)
def test_a_budget_is_accepted(kind, given, stored):
    assert str(kind(budget=given).budget) == stored


@pytest.mark.parametrize("kind", [new, change])
@pytest.mark.parametrize(
    "budget",
    [
        *["", "-1", "+1", ".5", "5.", "1.0000001", "100000000000000", "1e3", "1_000", "1,5", " 1", "1\n", "٣"],
        *[
            "NaN",
            "Infinity",
            "x",
            -5,
            10**14,
            10**400,
            1e10,
            1e-7,
            True,
            [],
            {},
            Decimal("NaN"),
            Decimal(-1),
            Decimal("1e14"),
        ],
    ],
    ids=repr,
)
def test_a_malformed_budget_is_rejected(kind, budget):
    with pytest.raises(ValidationError) as refusal:
        kind(budget=budget)
    assert {problem["loc"][0] for problem in refusal.value.errors()} == {"budget"}


@pytest.mark.parametrize("kind", [new, change])
@pytest.mark.parametrize(
    "rate_limits",
    [
        [{**MINUTE, "name": "a b"}],
        [{**MINUTE, "limit": -1}],
        [{**MINUTE, "period_seconds": 0}],
        [MINUTE, MINUTE],
        [{**MINUTE, "name": str(number)} for number in range(11)],
        ["minute 60 per 60"],
        None,
    ],
    ids=["name", "limit", "period", "twice", "eleven", "text", "null"],
)
def test_malformed_rate_limits_are_rejected(kind, rate_limits):
    with pytest.raises(ValidationError) as refusal:
        kind(rate_limits=rate_limits)
    assert {problem["loc"][0] for problem in refusal.value.errors()} == {"rate_limits"}


def test_a_key_is_shown_with_its_rate_limits_and_spending():
    key = unsaved_key(MINE, rate_limits=[MINUTE], budget=Decimal("5.000000"))
    vars(key)["budget_spent"] = Decimal("0.000001")
    out = ApiKeyOut.of(key, frozenset()).model_dump()
    assert (out["rate_limits"], out["budget"], out["budget_spent"]) == ([MINUTE], "5.000000", "0.000001")
    assert ApiKeyOut.of(unsaved_key(), frozenset()).model_dump()["budget"] is None


@pytest.mark.parametrize("actor", OTHERS)
async def test_customers_and_keys_may_not_set_rate_limits(service, keys, actor):
    for write in (
        service.create(actor, ME, new(rate_limits=[MINUTE])),
        service.update(actor, MINE, change(rate_limits=[MINUTE])),
        service.update(actor, MINE, change(rate_limits=[], name="n")),
    ):
        with pytest.raises(NotAllowed) as refusal:
            await write
        assert [detail.field for detail in refusal.value.details] == ["rate_limits"]
    assert keys.calls == []
    await service.create(actor, ME, new(rate_limits=[]))
    assert keys.keys[NEW_ID].rate_limits == []


@pytest.mark.parametrize("actor", [staff_of(COLLEAGUE, KEYS_WRITE), OPERATOR])
async def test_staff_set_rate_limits(service, keys, actor):
    await service.create(actor, ME, new(rate_limits=[MINUTE]))
    await service.update(actor, MINE, change(rate_limits=[MINUTE]))
    await service.update(actor, MINE, change(rate_limits=[]))
    assert keys.keys[NEW_ID].rate_limits == [MINUTE]
    assert [call[2] for call in keys.calls if call[0] == "update"] == [{"rate_limits": [MINUTE]}, {"rate_limits": []}]


async def test_staff_set_no_rate_limits_of_their_own_keys(service, keys):
    actor = session_of(ME, is_superuser=True)
    for write in (
        service.create(actor, ME, new(rate_limits=[MINUTE])),
        service.update(actor, MINE, change(rate_limits=[])),
    ):
        with pytest.raises(NotAllowed) as refusal:
            await write
        assert [detail.field for detail in refusal.value.details] == ["rate_limits"]
    assert keys.calls == []


@pytest.mark.parametrize("actor", [session_of(ME), staff_of(COLLEAGUE, KEYS_WRITE), OPERATOR])
async def test_a_budget_is_set_and_removed(service, keys, actor):
    await service.create(actor, ME, new(budget="5"))
    await service.update(actor, MINE, change(budget="0.5"))
    await service.update(actor, MINE, change(budget=None))
    assert keys.keys[NEW_ID].budget == Decimal(5)
    assert [call[2] for call in keys.calls if call[0] == "update"] == [{"budget": Decimal("0.5")}, {"budget": None}]

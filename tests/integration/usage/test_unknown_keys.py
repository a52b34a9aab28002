"""Verifications of keys that do not exist are counted by caller, in few rows."""

import pytest

from apps.core.event_loop import call_service
from apps.usage.dependencies import refusal_samples, unknown_key_counts
from apps.usage.models import UsageDenial
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.services.unknown_key_counts import UnknownKeyCounts
from tests.integration.usage.test_refusals import refused
from tests.integration.verification.verifying import BATCH_PATH, verify
from tests.support.accounts import Account, superuser
from tests.support.factories import make_service_key
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

pytestmark = pytest.mark.usefixtures("database")

UNKNOWN = "sk_live_nonsense"


@pytest.fixture(autouse=True)
def _nothing_waits():
    """Let no count of another test wait."""
    unknown_key_counts()._counts.clear()
    refusal_samples()._begin()


async def counted() -> dict[str, int]:
    assert await unknown_key_counts().write() is False
    found: dict[str, int] = {}
    for row in await rows(UsageDenial.objects.filter(api_key_id=0, code="NOT_FOUND")):
        found[row.detail] = found.get(row.detail, 0) + row.count
    return found


async def test_each_caller_has_its_count(api):
    one, two = await make(make_service_key), await make(make_service_key)
    staff = await superuser()
    for caller, times in ((one, 3), (two, 1)):
        for _ in range(times):
            await verify(api, UNKNOWN, caller)
    items = [{"key": UNKNOWN}, {"key": UNKNOWN}]
    assert (await api.post(BATCH_PATH, json={"items": items}, headers=staff.headers)).status_code == 200
    expected = {f"api_key:{one.id}": 3, f"api_key:{two.id}": 1, f"user:{staff.id}": 2}
    assert await counted() == expected
    await verify(api, UNKNOWN, one)
    assert await counted() == {**expected, f"api_key:{one.id}": 4}


async def test_callers_read_their_count(api):
    service = await make(make_service_key)
    await verify(api, UNKNOWN, service)
    await counted()
    owner = Account(service.row.user, await make(sign_in, service.row.user))
    report = (await api.get("/api/v1/usage", headers=owner.headers)).json()
    assert (report["unknown_keys"], report["total"]["refused"]) == (1, 0)
    other = await superuser()
    assert (await api.get("/api/v1/usage", headers=other.headers)).json()["unknown_keys"] == 0


def test_a_flood_writes_one_row_for_a_caller_and_minute():
    counts = UnknownKeyCounts(UsageDenialRepository())
    call = refused(0, code="NOT_FOUND", detail="", user_id=0, caller="api_key:1")
    counts.add([call] * 5000)
    call_service(counts.write)
    assert list(UsageDenial.objects.values_list("detail", "count")) == [("api_key:1", 5000)]
    call_service(counts.write)
    assert UsageDenial.objects.get().count == 5000


def test_counts_survive_an_outage():
    class Failing(UsageDenialRepository):
        async def add_unknown_keys(self, counts):
            raise ConnectionError

    counts = UnknownKeyCounts(Failing())
    counts.add([refused(0, code="NOT_FOUND", user_id=0, caller="api_key:1")])
    with pytest.raises(ConnectionError):
        call_service(counts.write)
    assert sum(counts._counts.values()) == 1


def test_refusals_of_keys_are_not_counted_twice():
    counts = UnknownKeyCounts(UsageDenialRepository())
    counts.add([refused(7)])
    call_service(counts.write)
    assert UsageDenial.objects.count() == 0

"""Refused calls wait in memory, whatever their number, in bounded space."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.usage.domain.calls import SCOPES_MAXIMUM, RefusedCall
from apps.usage.repositories.refusal_repository import RefusalRepository
from apps.usage.services.refusal_samples import WAITING_MAXIMUM, RefusalSamples

pytestmark = pytest.mark.unit

MOMENT = datetime(2026, 11, 28, tzinfo=UTC)
PER_KEY = 50


def refused(key_id: int, request_id: str = "r", scopes: Sequence[str] = ()) -> RefusedCall:
    return RefusedCall(
        MOMENT, 1, key_id, "DISABLED", "revoked", scopes, None, Decimal(0), 1, "", request_id, (), Decimal("1.5")
    )


class Written(RefusalRepository):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__(PER_KEY, 24)
        self.calls: list[RefusedCall] = []

    async def write(self, calls: Sequence[RefusedCall]) -> None:
        self.calls = list(calls)


async def written(samples: RefusalSamples, repository: Written) -> list[RefusedCall]:
    repository.calls = []
    assert await samples.write() is False
    return repository.calls


async def test_the_newest_calls_of_a_key_are_written_once_in_order():
    repository = Written()
    samples = RefusalSamples(repository, PER_KEY)
    samples.add(refused(1, str(number)) for number in range(PER_KEY + 7))
    newest = [str(number) for number in range(7, PER_KEY + 7)]
    assert [call.request_id for call in await written(samples, repository)] == newest
    assert await written(samples, repository) == []


async def test_busy_keys_leave_room_for_others():
    repository = Written()
    samples = RefusalSamples(repository, PER_KEY)
    busy, number_of_others = range(1, 101), 300
    samples.add(refused(key_id) for _ in range(PER_KEY) for key_id in busy)
    samples.add(refused(1_000 + number) for number in range(number_of_others))
    samples.add(refused(key_id) for _ in range(PER_KEY) for key_id in busy)
    calls = await written(samples, repository)
    by_key = Counter(call.api_key_id for call in calls)
    assert len(calls) <= WAITING_MAXIMUM
    assert len(by_key) == len(busy) + number_of_others
    assert min(by_key[key_id] for key_id in busy) > 1


async def test_more_keys_than_places_are_dropped_and_the_next_round_is_whole_again():
    repository = Written()
    samples = RefusalSamples(repository, PER_KEY)
    samples.add(refused(key_id) for key_id in range(1, 10 * WAITING_MAXIMUM))
    assert WAITING_MAXIMUM <= len(await written(samples, repository)) <= WAITING_MAXIMUM + 10
    samples.add(refused(1) for _ in range(PER_KEY))
    assert len(await written(samples, repository)) == PER_KEY


async def test_none_are_kept_where_the_operator_wants_none():
    repository = Written()
    samples = RefusalSamples(repository, 0)
    samples.add([refused(1)])
    assert await written(samples, repository) == []


async def test_what_could_not_be_written_does_not_pile_up():
    class Failing(Written):
        async def write(self, calls: Sequence[RefusedCall]) -> None:
            raise ConnectionError

    repository = Failing()
    samples = RefusalSamples(repository, PER_KEY)
    samples.add([refused(1)])
    with pytest.raises(ConnectionError):
        await samples.write()
    assert await samples.write() is False


def test_a_sample_has_few_scopes():
    scopes = [f"area{number}:read" for number in range(50)]
    assert refused(1, scopes=scopes).columns()["scopes"] == scopes[:SCOPES_MAXIMUM]

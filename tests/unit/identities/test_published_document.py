"""Documents that a provider publishes are kept for a while."""

import pytest

from apps.identities.domain.provider import ProviderUnavailable
from apps.identities.services.provider_metadata import PublishedDocument

pytestmark = pytest.mark.unit


class Publisher:
    """Counts its requests; `now` is the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.requests = 0
        self.is_unavailable = False
        self.kept = PublishedDocument(self._ask, lambda: self.now)

    async def _ask(self) -> int:
        if self.is_unavailable:
            raise ProviderUnavailable
        self.requests += 1
        return self.requests


async def test_document_is_kept_for_an_hour():
    publisher = Publisher()
    for moment, answer in ((0, 1), (3599, 1), (3600, 2), (3601, 2)):
        publisher.now = moment
        assert await publisher.kept.get() == answer


async def test_fresh_document_is_fetched_at_most_every_ten_seconds():
    publisher = Publisher()
    for moment, answer in ((0, 1), (1, 1), (9.9, 1), (10, 2), (11, 2)):
        publisher.now = moment
        assert await publisher.kept.get_fresh() == answer


async def test_failure_is_not_kept():
    publisher = Publisher()
    publisher.is_unavailable = True
    with pytest.raises(ProviderUnavailable):
        await publisher.kept.get()
    publisher.is_unavailable = False
    assert await publisher.kept.get() == 1

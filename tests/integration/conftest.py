"""Every transaction of a service that an integration test runs is checked against tests/support/operation_locks.py."""

from collections.abc import Iterator

import pytest

from tests.support.operation_locks import breaches
from tests.support.service_transactions import OperationTransaction, service_transactions


@pytest.fixture(scope="session")
def _committed() -> Iterator[list[OperationTransaction]]:
    with service_transactions() as committed:
        yield committed


@pytest.fixture(autouse=True)
def _locks_are_checked(_committed: list[OperationTransaction]) -> Iterator[None]:
    _committed.clear()
    yield
    found = {breach for one in _committed for breach in breaches(one.operation, one.sql)}
    assert not found, "\n".join(sorted(found))

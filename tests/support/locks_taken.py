"""Collects the SQL of services' transactions, to check what they lock before they write."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.core.database.pipeline.service_transaction import ServiceTransaction


@contextmanager
def sql_of_transactions() -> Iterator[list[str]]:
    """Collect the SQL of services' transactions inside the block, from BEGIN to COMMIT or ROLLBACK, in order."""
    seen: list[str] = []
    send = ServiceTransaction.send

    def send_and_collect(self, sql, parameters):
        seen.append(sql)
        send(self, sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceTransaction, "send", send_and_collect)
        yield seen

"""Batches of usage that are yet to be expanded."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from apps.core.event_loop import call_service
from apps.credits.models import LedgerEntry
from apps.usage.models import UsageBatch, UsageRecord
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.verification.dependencies import ledger_audit
from tests.integration.verification.verifying import decide_on, make_limited_key
from tests.support.factories import IssuedKey, give_credits
from tests.unit.verification.records import query_about

PLENTY = 1_000_000
# Batches of one call each: of the customer, or of other customers.
BACKLOG = """
WITH debit AS (
    SELECT number, nextval('credit_transactions_id_seq') AS entry_id FROM generate_series(1, %(count)s) AS number
)
INSERT INTO usage_batches (id, occurred_at, user_ids, api_key_ids, costs, weights, request_ids, debited_ids, amounts,
    balances_after, entry_ids)
SELECT nextval('usage_events_id_seq'), now(), ARRAY[%(user)s + number %% %(customers)s],
    ARRAY[1], '{1}', '{1}', '{r}', ARRAY[%(user)s + number %% %(customers)s], '{1}', '{1}', ARRAY[entry_id]
FROM debit
"""


class Books(NamedTuple):
    """All of the ledger and all usage, by every column but that of the pending batch."""

    ledger: list[dict[str, Any]]
    usage: list[dict[str, Any]]


def books() -> Books:
    """Return what readers see."""
    entries = LedgerEntry.objects.defer("pending_user_ids").order_by("id")
    records = UsageRecord.objects.defer("pending_user_ids").order_by("id")
    return Books([_columns(row) for row in entries], [_columns(row) for row in records])


def _columns(row: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def rich_keys(count: int) -> list[IssuedKey]:
    """Return keys without rate limits, of as many customers with plenty of credits."""
    keys = [make_limited_key() for _ in range(count)]
    for key in keys:
        give_credits(key.row.user, PLENTY)
    return keys


def spend(keys: Sequence[IssuedKey], *costs: str, **query: Any) -> None:
    """Let each key make a call of each cost, in one batch."""
    queries = [query_about(key.secret, cost=Decimal(cost), **query) for cost in costs for key in keys]
    verdicts = call_service(decide_on, queries)
    codes = {str(verdict.code) for verdict in verdicts}
    assert codes == {"VALID"}, codes


def expand(maximum: int = 1000) -> int:
    """Expand pending batches, and return how many."""
    return call_service(UsageEventRepository().expand_batches, maximum)


def pending() -> int:
    """Return how many batches are pending."""
    return UsageBatch.objects.count()


def add_backlog(user_id: int, count: int, customers: int) -> None:
    """Add pending batches of the customer and those with the following ids, without their balances."""
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG, {"user": user_id, "count": count, "customers": customers})


def assert_consistent() -> None:
    """Assert that balances, ledger and usage agree."""
    assert call_service(ledger_audit().run).violations == []

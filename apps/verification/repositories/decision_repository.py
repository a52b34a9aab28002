"""Reads and writes what a batch of verifications needs, in one transaction.

The one repository that works across rooms: it reads keys, owners, plans and balances and writes usage, because a
verdict is exact only if all of it is decided on rows locked together. Its SQL stands in `decision.sql`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable

from apps.core.addresses import Network
from apps.core.database.pool import connection, pipelined_transaction
from apps.core.database.sql_files import load_statements
from apps.core.errors import Unavailable
from apps.verification.models import KeyRecord, Owner, Question, Verdict

SQL = load_statements(Path(__file__).with_name("decision.sql"))
LOAD_AND_LOCK = f"{SQL['load']}\n{SQL['lock']}"
# `last_used_at` is kept to the minute: a busy key's row is not written at every call.
LAST_USED_PRECISION = timedelta(minutes=1)

Decide = Callable[[Mapping[bytes, KeyRecord], Sequence[Question], datetime], list[Verdict]]


class KeyBusy(Unavailable):
    """Somebody is changing a key and takes long over it."""

    message = "The key is being changed; try again shortly."


class DecisionRepository:
    """Runs batches of verifications against the database. The database's clock is the decision's."""

    async def decide(self, questions: Sequence[Question], decide: Decide) -> list[Verdict]:
        """Load and lock the questions' keys, decide, write what was used, commit, and return the verdicts.

        Two round trips: BEGIN with the load, the writes with COMMIT. Raises KeyBusy when somebody holds one of the
        keys for longer than the lock timeout.
        """
        try:
            async with pipelined_transaction() as borrowed:
                records, now = await _load(borrowed, LOAD_AND_LOCK, questions)
                verdicts = decide(records, questions, now)
                await _record_usage(borrowed, questions, verdicts, now)
                await _touch(borrowed, verdicts, now)
        except LockNotAvailable as error:
            raise KeyBusy from error
        return verdicts

    async def judge(self, questions: Sequence[Question], decide: Decide) -> list[Verdict]:
        """Load the questions' keys, decide, and return the verdicts.

        Nothing is used, so nothing is locked, and there is no commit to wait for.
        """
        async with connection() as borrowed:
            records, now = await _load(borrowed, SQL["load"], questions)
            verdicts = decide(records, questions, now)
            await _touch(borrowed, verdicts, now)
        return verdicts


async def _load(
    borrowed: AsyncConnection[Any], statement: str, questions: Sequence[Question]
) -> tuple[Mapping[bytes, KeyRecord], datetime]:
    cursor = await borrowed.execute(statement, [list({question.digest for question in questions})])
    rows = await cursor.fetchall()
    return {bytes(row[0]): _record(row) for row in rows}, rows[0][-1] if rows else datetime.now(UTC)


async def _record_usage(
    borrowed: AsyncConnection[Any], questions: Sequence[Question], verdicts: Sequence[Verdict], now: datetime
) -> None:
    used = [
        (question, verdict.record)
        for question, verdict in zip(questions, verdicts, strict=True)
        if verdict.is_valid and verdict.record
    ]
    if used:
        await borrowed.execute(SQL["record_usage"], _usage(used, now))


async def _touch(borrowed: AsyncConnection[Any], verdicts: Sequence[Verdict], now: datetime) -> None:
    allowed = [verdict.record for verdict in verdicts if verdict.is_valid and verdict.record]
    touched = {record.key_id for record in allowed if _is_stale(record.last_used_at, now)}
    if touched:
        await borrowed.execute(SQL["touch"], [now, sorted(touched)])


def _usage(used: Sequence[tuple[Question, KeyRecord]], now: datetime) -> list[Any]:
    return [
        now,
        [record.owner.user_id for _, record in used],
        [record.key_id for _, record in used],
        [question.weight for question, _ in used],
        [question.tag for question, _ in used],
        [question.request_id for question, _ in used],
    ]


def _is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at >= LAST_USED_PRECISION


def _record(row: tuple[Any, ...]) -> KeyRecord:
    return KeyRecord(
        secret_expires_at=row[1],
        key_id=row[2],
        name=row[3],
        environment=row[4],
        scopes=tuple(row[5]),
        networks=tuple(_network(text) for text in row[6]),
        metadata=orjson.loads(row[7]),
        is_active=row[8],
        revoked_at=row[9],
        expires_at=row[10],
        last_used_at=row[11],
        owner=_owner(row[12:19]),
    )


def _owner(row: tuple[Any, ...]) -> Owner:
    user_id, plan, is_active, locked_until, is_staff, is_superuser, balance = row
    return Owner(
        user_id=user_id,
        plan=plan,
        is_active=is_active,
        locked_until=locked_until,
        is_staff=is_staff,
        is_superuser=is_superuser,
        balance=balance,
    )


@lru_cache(maxsize=4096)
def _network(text: str) -> Network:
    return ip_network(text)

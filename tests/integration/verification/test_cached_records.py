"""Workers keep records of keys, and no verdict is ever decided on one that has changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from struct import unpack_from
from typing import Any

import pytest
from psycopg import AsyncConnection

from apps.api_keys.models import ApiKey
from apps.api_keys.services.key_format import digest_of, generate_key
from apps.core.database.parameters import NumberedStatement
from apps.core.database.pool import connection
from apps.users.models import User
from apps.verification.domain import Caller, Code, Verdict, VerificationQuery
from apps.verification.repositories import decision_repository as repository
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import balance_of, make_limited_key, usage
from tests.support.factories import IssuedKey, add_secret, give_credits, make_key, make_service_key
from tests.support.orm import make

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
BALANCE = "SELECT 1 FROM credit_balances WHERE user_id = %s FOR NO KEY UPDATE"
REVOKE = "UPDATE api_keys SET revoked_at = now(), revoked_reason = 'test' WHERE id = %s"


def query(key: IssuedKey, **changes: Any) -> VerificationQuery:
    return VerificationQuery(digest=digest_of(key.secret), request_id="r", **changes)


@dataclass
class Worker:
    """A worker's service, with a cache of its own."""

    service: VerificationService

    @classmethod
    def new(cls) -> "Worker":
        return cls(VerificationService(DecisionRepository()))

    async def verify(self, key: IssuedKey, **changes: Any) -> Verdict:
        return await self.service.decide(query(key, **changes))

    async def code(self, key: IssuedKey, **changes: Any) -> Code:
        return (await self.verify(key, **changes)).code


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each load has asked for."""
    found: list[int] = []
    encode = NumberedStatement.encode

    def note(self: NumberedStatement, values: Any) -> Any:
        if self is repository.RECORDS:
            # PostgreSQL's binary format of an array: the fourth number is its length.
            found.append(unpack_from(">iiii", values["digests"])[-1])
        return encode(self, values)

    monkeypatch.setattr(NumberedStatement, "encode", note)
    return found


@asynccontextmanager
async def open_transaction() -> AsyncIterator[AsyncConnection[Any]]:
    """A transaction of another process, which commits at the end of the block."""
    async with connection() as borrowed, borrowed.transaction():
        yield borrowed


async def until_a_lock_is_awaited() -> None:
    async with asyncio.timeout(2), connection() as borrowed:
        while (await (await borrowed.execute(WAITING)).fetchone() or [0])[0] == 0:  # noqa: ASYNC110  others' locks
            await asyncio.sleep(0.005)


async def execute(sql: str, *values: Any) -> None:
    async with connection() as borrowed:
        await borrowed.execute(sql.encode(), values)


async def test_a_record_is_loaded_once(database: None, loads: list[int]):
    key, other, worker = await make(make_key), await make(make_key), Worker.new()
    for _ in range(3):
        assert await worker.code(key) is Code.VALID
    assert await worker.code(other) is Code.VALID
    assert loads == [1, 1]


async def test_a_changed_record_is_loaded_again_and_others_are_not(database: None, loads: list[int]):
    key, other, worker = await make(make_key), await make(make_key), Worker.new()
    assert [await worker.code(each) for each in (key, other)] == [Code.VALID] * 2
    await execute("UPDATE api_keys SET name = 'renamed' WHERE id = %s", key.id)
    loads.clear()
    renamed, _ = await asyncio.gather(worker.verify(key), worker.verify(other))
    assert renamed.record is not None
    assert renamed.record.name == b'"name":"renamed"'
    assert loads == [1]


async def test_unknown_secrets_are_not_kept(database: None):
    secret, worker = generate_key("live"), Worker.new()
    sent = VerificationQuery(digest=digest_of(secret))
    assert (await worker.service.decide(sent)).code is Code.NOT_FOUND
    key: IssuedKey = await make(make_key)
    await execute("UPDATE api_key_secrets SET digest = %s WHERE api_key_id = %s", digest_of(secret), key.id)
    assert (await worker.service.decide(sent)).code is Code.VALID
    assert await worker.code(key) is Code.NOT_FOUND


async def test_a_revocation_while_the_batch_waits_for_a_lock_holds(database: None):
    # A check before the locks would not find it.
    key, worker = await make(make_key), Worker.new()
    assert await worker.code(key) is Code.VALID
    async with open_transaction() as other:
        await other.execute(BALANCE, [key.row.user_id])
        waiting = asyncio.create_task(worker.verify(key))
        await until_a_lock_is_awaited()
        await execute(REVOKE, key.id)
    assert (await waiting).code is Code.DISABLED


async def test_a_key_that_is_deleted_while_its_first_batch_waits_is_not_kept(database: None):
    key, worker = await make(make_key), Worker.new()
    async with open_transaction() as other:
        await other.execute(BALANCE, [key.row.user_id])
        waiting = asyncio.create_task(worker.verify(key))  # has loaded the record
        await until_a_lock_is_awaited()
        await execute("UPDATE api_keys SET deleted_at = now() WHERE id = %s", key.id)
    assert (await waiting).code is Code.NOT_FOUND
    assert await worker.code(key) is Code.NOT_FOUND


async def test_a_transaction_that_begins_early_and_commits_late_is_found(database: None):
    # The highest transaction id, or the latest time, among the changes seen would have passed it.
    key, other, worker = await make(make_key), await make(make_key), Worker.new()
    assert await worker.code(key) is Code.VALID
    async with open_transaction() as early:
        await early.execute(REVOKE, [key.id])
        await execute(REVOKE, other.id)
        assert [await worker.code(each) for each in (key, other)] == [Code.VALID, Code.DISABLED]
    assert await worker.code(key) is Code.DISABLED


async def test_a_change_that_is_rolled_back_changes_nothing(database: None):
    key, worker = await make(make_key), Worker.new()
    assert await worker.code(key) is Code.VALID
    with pytest.raises(LookupError):
        async with open_transaction() as other:
            await other.execute(REVOKE, [key.id])
            raise LookupError
    assert await worker.code(key) is Code.VALID


async def test_a_failed_commit_leaves_records_that_are_right(database: None, monkeypatch: pytest.MonkeyPatch):
    key: IssuedKey = await make(make_limited_key, ("hour", 5, 3600))
    await make(give_credits, key.row.user, 10)
    worker = Worker.new()

    def break_off(transaction: Any, *_: Any) -> None:
        transaction.send("SELECT 1 / 0", ())

    with monkeypatch.context() as patch:
        patch.setattr(repository, "write_effects", break_off)
        with pytest.raises(Exception, match="division by zero"):
            await worker.verify(key, cost=Decimal(3))
    await execute("UPDATE api_keys SET name = 'renamed' WHERE id = %s", key.id)
    verdict = await worker.verify(key, cost=Decimal(3))
    assert (verdict.code, verdict.balance, verdict.rate_limits[0].remaining) == (Code.VALID, Decimal(7), 4)
    assert verdict.record is not None
    assert verdict.record.name == b'"name":"renamed"'
    assert await balance_of(key.row) == 7
    assert len(await usage()) == 1


async def test_batches_beside_each_other_keep_no_old_record(database: None):
    """One batch loads a record and waits for a lock; another one sees the change; the first must not keep it."""
    busy, key, worker = await make(make_key), await make(make_key), Worker.new()
    assert await worker.code(busy) is Code.VALID
    async with open_transaction() as other:
        await other.execute(BALANCE, [busy.row.user_id])
        first = asyncio.gather(worker.verify(busy), worker.verify(key))  # loads the record of `key`
        await until_a_lock_is_awaited()
        await execute(REVOKE, key.id)
        assert await worker.code(await make(make_key)) is Code.VALID  # in a batch beside it, which checks
    assert [verdict.code for verdict in await first] == [Code.VALID, Code.DISABLED]
    assert await worker.code(key) is Code.DISABLED


Change = Callable[[IssuedKey], Awaitable[None]]


def updated(table: str, assignment: str, column: str, of: Callable[[IssuedKey], int]) -> Change:
    async def change(key: IssuedKey) -> None:
        await execute(f"UPDATE {table} SET {assignment} WHERE {column} = %s", of(key))

    return change


def of_key(assignment: str) -> Change:
    return updated("api_keys", assignment, "id", lambda key: key.id)


def of_owner(assignment: str) -> Change:
    return updated("users", assignment, "id", lambda key: key.row.user_id)


def of_secret(assignment: str) -> Change:
    return updated("api_key_secrets", assignment, "api_key_id", lambda key: key.id)


def of_plan(assignment: str) -> Change:
    return updated("plan_limits", assignment, "plan_id", lambda key: key.row.user.plan_id)


CHANGES: dict[str, tuple[Change, Code, str | None]] = {
    "revoked": (of_key("revoked_at = now()"), Code.DISABLED, "revoked"),
    "disabled": (of_key("is_active = false"), Code.DISABLED, "disabled"),
    "deleted": (of_key("deleted_at = now()"), Code.NOT_FOUND, None),
    "expired": (of_key("expires_at = now()"), Code.EXPIRED, "key"),
    "allowlist": (of_key("ip_allowlist = '{192.0.2.0/24}'"), Code.FORBIDDEN, "address_not_allowed"),
    "scopes": (of_key("scopes = '{}'"), Code.INSUFFICIENT_SCOPES, "a:b"),
    "own rate limit": (
        of_key("""rate_limits = '[{"name": "own", "limit": 0, "period_seconds": 60}]'"""), Code.RATE_LIMITED, "own",
    ),
    "budget": (of_key("budget = 0"), Code.INSUFFICIENT_CREDITS, "budget"),
    "secret expired": (of_secret("expires_at = now()"), Code.EXPIRED, "secret"),
    "secret replaced": (of_secret("digest = sha256('other')"), Code.NOT_FOUND, None),
    "owner suspended": (of_owner("is_active = false"), Code.FORBIDDEN, "owner_suspended"),
    "owner deleted": (of_owner("deleted_at = now()"), Code.FORBIDDEN, "owner_suspended"),
    "owner locked": (of_owner("locked_until = now() + interval '1 hour'"), Code.FORBIDDEN, "owner_locked"),
    "plan limit": (of_plan('"limit" = 0'), Code.RATE_LIMITED, "hour"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "code", "detail"), CHANGES.values(), ids=CHANGES.keys())
async def test_the_next_verdict_of_every_worker_follows_a_change(
    database: None, change: Change, code: Code, detail: str | None
):
    key: IssuedKey = await make(make_limited_key, ("hour", 50, 3600), scopes=["a:b"])
    await make(give_credits, key.row.user, 10)
    workers = [Worker.new() for _ in range(3)]
    sent = {"scopes": ("a:b",), "cost": Decimal(1)}
    for worker in workers:
        assert await worker.code(key, **sent) is Code.VALID
    await change(key)
    for worker in workers:
        verdict = await worker.verify(key, **sent)
        assert (verdict.code, verdict.detail) == (code, detail)


async def test_a_caller_that_is_revoked_is_refused_by_the_next_call(database: None):
    service, key, worker = await make(make_service_key), await make(make_key), Worker.new()
    caller = Caller(digest_of(service.secret), None, "keys:verify")
    assert await worker.code(key, caller=caller) is Code.VALID
    await execute("DELETE FROM users_groups WHERE user_id = %s", service.row.user_id)
    with pytest.raises(Exception, match="lacks the scope"):
        await worker.verify(key, caller=caller)
    await execute(REVOKE, service.id)
    with pytest.raises(Exception, match="invalid"):
        await worker.verify(key, caller=caller)


async def test_both_secrets_of_a_rotated_key_follow_a_change(database: None):
    key, worker = await make(make_key), Worker.new()
    older = IssuedKey(key.row, await make(add_secret, key.row))
    assert [await worker.code(each) for each in (key, older)] == [Code.VALID] * 2
    await execute(REVOKE, key.id)
    assert [await worker.code(each) for each in (key, older)] == [Code.DISABLED] * 2


async def test_a_plan_change_of_the_owner_is_followed(database: None):
    key, worker = await make(make_limited_key, ("hour", 50, 3600)), Worker.new()
    stricter: IssuedKey = await make(make_limited_key, ("hour", 0, 3600))
    assert await worker.code(key) is Code.VALID
    await make(User.objects.filter(pk=key.row.user_id).update, plan_id=stricter.row.user.plan_id)
    assert await worker.code(key) is Code.RATE_LIMITED


async def test_an_expiry_that_passes_needs_no_change(database: None):
    key, worker = await make(make_key), Worker.new()
    assert await worker.code(key) is Code.VALID
    soon = datetime.now().astimezone() + timedelta(seconds=0.3)
    await make(ApiKey.objects.filter(pk=key.id).update, expires_at=soon)
    assert await worker.code(key) is Code.VALID
    await asyncio.sleep(0.5)
    assert await worker.code(key) is Code.EXPIRED

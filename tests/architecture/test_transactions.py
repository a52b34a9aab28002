"""Transactions are opened where they may be, and the locks of each operation that opens one are listed."""

from pathlib import PurePosixPath

import pytest

from apps.core.database.lock_order import LOCK_ORDER
from tests.architecture import transaction_rules as rules
from tests.architecture.source import Source, read_sources
from tests.support.captured_sql import CapturedSql
from tests.support.operation_locks import ADVISORY, OPERATION_LOCKS, PLACE, breaches

pytestmark = pytest.mark.unit

SOURCES = read_sources("apps")
OPENS = "from apps.core.database.transaction import transaction"
CALLS = """
from apps.users.services.{module} import Users

class Service:
    def __init__(self, users: Users) -> None:
        self._users = users

    async def act(self):
        async with transaction():
            await self._users.act()
"""
SERVICE = "apps/credits/services/ledger.py"
REPOSITORY = "apps/credits/repositories/ledger.py"

LOCK_USER = 'SELECT "users"."id" FROM "users" WHERE "users"."id" = $1 FOR NO KEY UPDATE OF "users"'
LOCK_PLAN = 'SELECT "plans"."id" FROM "plans" WHERE "plans"."id" = $1 FOR NO KEY UPDATE OF "plans"'
LOCK_KEY = 'SELECT "api_keys"."id" FROM "api_keys" WHERE "api_keys"."id" = $1 FOR NO KEY UPDATE OF "api_keys"'
UPDATE_PLAN = 'UPDATE "plans" SET "name" = $1'

BREACHES = [
    (rules.transactions_are_opened_by_services, "apps/credits/services/in_transaction/ledger.py", OPENS),
    (rules.transactions_are_opened_by_services, REPOSITORY, OPENS),
    (rules.transactions_are_opened_by_services, "apps/credits/routers/ledger.py", OPENS),
    (rules.repositories_know_rows_only, REPOSITORY, "from apps.audit.domain.audit_entry import AuditEntry"),
    (rules.repositories_know_rows_only, REPOSITORY, "from apps.credits.services.ledger import Ledger"),
    (rules.services_called_in_a_transaction_join_it, SERVICE, CALLS.format(module="user_service")),
]
KEPT = [
    (rules.transactions_are_opened_by_services, SERVICE, OPENS),
    (rules.repositories_know_rows_only, "apps/audit/repositories/a.py", "from apps.audit.models import AuditEvent"),
    (rules.services_called_in_a_transaction_join_it, SERVICE, CALLS.format(module="in_transaction.accounts")),
]


@pytest.mark.parametrize("rule", rules.TRANSACTION_RULES, ids=lambda rule: rule.__name__)
def test_program_follows_the_rule(rule):
    assert [f"{source.path}:{breach}" for source in SOURCES for breach in rule(source)] == []


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_breach_is_found(rule, path, text):
    assert len(list(rule(_source(path, text)))) == 1


@pytest.mark.parametrize(("rule", "path", "text"), KEPT)
def test_allowed_code_is_not_reported(rule, path, text):
    assert list(rule(_source(path, text))) == []


def test_locks_of_every_operation_are_listed():
    opening = {name for source in SOURCES for name in rules.operations_with_a_transaction(source)}
    assert opening, "no operation opens a transaction: the rule no longer finds them"
    owned = {name for source in SOURCES for name in rules.owned_services(source)}
    needed = {name for name in opening if name.rpartition(".")[0] not in owned}
    missing, gone = sorted(needed - set(OPERATION_LOCKS)), sorted(set(OPERATION_LOCKS) - opening)
    assert missing == [], f"add the tables that each of these locks, in order, to {PLACE}, and a test that runs it"
    assert gone == [], f"remove these from {PLACE}: they open no transaction"


@pytest.mark.parametrize("operation", OPERATION_LOCKS)
def test_listed_locks_are_in_the_lock_order(operation: str):
    for alternative in OPERATION_LOCKS[operation]:
        tables = [table for table in alternative.split(", ") if table and table != ADVISORY]
        assert tables == sorted(tables, key=LOCK_ORDER.index)


@pytest.mark.parametrize(
    ("operation", "statements", "found"),
    [
        ("plans.PlanService.update", [LOCK_PLAN, UPDATE_PLAN], ""),
        ("plans.PlanService.update", [UPDATE_PLAN], "update plans before a lock of plans"),
        ("plans.PlanService.update", [UPDATE_PLAN, LOCK_PLAN], "update plans before a lock of plans"),
        ("plans.PlanService.update", [LOCK_USER, LOCK_PLAN, UPDATE_PLAN], "locks (users, plans)"),
        ("users.OwnedService.delete", [LOCK_USER, LOCK_KEY], ""),
        ("users.OwnedService.delete", [LOCK_KEY], "locks (api_keys)"),
        ("plans.PlanService.archive", [LOCK_PLAN, UPDATE_PLAN], "archive opens a transaction: add the tables"),
    ],
)
def test_wrong_locks_are_found(operation: str, statements: list[str], found: str):
    sql = CapturedSql()
    sql.statements = ["BEGIN", *statements, "COMMIT"]
    assert found in " ".join(breaches(operation, sql))
    assert bool(breaches(operation, sql)) == bool(found)


def _source(path: str, text: str) -> Source:
    return Source(PurePosixPath(path), text)

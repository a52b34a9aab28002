"""Each column that a verdict reads is watched by a trigger, and each change of one is noted."""

from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Min

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.plans.models import Plan, PlanLimit
from apps.users.models import Role, RoleScope, User
from apps.verification.domain import KeyRow
from apps.verification.models import RecordChange
from apps.verification.repositories.decision_repository import RECORDS
from apps.verification.repositories.record_changes import RECORD_TABLES
from tests.support.factories import add_secret, make_key, make_role, make_user
from tests.support.record_reader import ALL, NOTHING, new_reader

pytestmark = pytest.mark.usefixtures("database")

Column = tuple[str, str]

WATCHED_BUT_NOT_READ: dict[Column, str] = {
    ("api_keys", "budget"): "Verdicts read the copy in the counters.",
}
# Another value for each watched column.
MUTATIONS: dict[Column, str] = {
    ("users", "id"): "id + 1000000",
    ("users", "plan_id"): "(SELECT max(id) FROM plans)",
    ("users", "is_active"): "NOT is_active",
    ("users", "is_staff"): "NOT is_staff",
    ("users", "is_superuser"): "NOT is_superuser",
    ("users", "locked_until"): "now()",
    ("users", "deleted_at"): "now()",
    ("users_groups", "user_id"): "(SELECT max(id) FROM users)",
    ("users_groups", "group_id"): "(SELECT max(id) FROM auth_group)",
    ("api_keys", "id"): "id + 1000000",
    ("api_keys", "user_id"): "(SELECT max(id) FROM users)",
    ("api_keys", "name"): "name || '2'",
    ("api_keys", "environment"): "'test'",
    ("api_keys", "scopes"): "ARRAY['reports:read']",
    ("api_keys", "ip_allowlist"): "ARRAY['192.0.2.1']",
    ("api_keys", "metadata"): """'{"a": 1.0}'::jsonb""",
    ("api_keys", "rate_limits"): """'[{"name": "a", "limit": 1, "period_seconds": 1}]'::jsonb""",
    ("api_keys", "budget"): "7",
    ("api_keys", "is_active"): "NOT is_active",
    ("api_keys", "revoked_at"): "now()",
    ("api_keys", "expires_at"): "now()",
    ("api_keys", "deleted_at"): "now()",
    ("api_key_secrets", "api_key_id"): "(SELECT max(id) FROM api_keys)",
    ("api_key_secrets", "digest"): r"'\x01'::bytea",
    ("api_key_secrets", "expires_at"): "now()",
    ("role_scopes", "role_id"): "(SELECT max(id) FROM auth_group)",
    ("role_scopes", "scope"): "'credits:read'",
    ("plans", "id"): "id + 1000000",
    ("plans", "name"): "name || '2'",
    ("plans", "features"): """'{"seats": 5.0}'::jsonb""",
    ("plans", "prices"): """'{"resize": "1.000000"}'::jsonb""",
    ("plan_limits", "plan_id"): "(SELECT max(id) FROM plans)",
    ("plan_limits", "name"): "name || '2'",
    ("plan_limits", "limit"): '"limit" + 1',
    ("plan_limits", "period_seconds"): "period_seconds + 1",
}
MODELS: dict[str, type[models.Model]] = {
    model._meta.db_table: model
    for model in (User, User.groups.through, ApiKey, ApiKeySecret, RoleScope, Plan, PlanLimit)
}
# By table, the columns by which a change names a key or an account.
NAMED = {
    "users": ("user", "id"),
    "users_groups": ("user", "user_id"),
    "api_keys": ("key", "id"),
    "api_key_secrets": ("key", "api_key_id"),
}
COLUMNS_READ = """
SELECT DISTINCT depends.refobjid::regclass::text, attribute.attname::text
FROM pg_rewrite AS rule
JOIN pg_depend AS depends ON depends.classid = 'pg_rewrite'::regclass AND depends.objid = rule.oid
JOIN pg_attribute AS attribute ON attribute.attrelid = depends.refobjid AND attribute.attnum = depends.refobjsubid
WHERE rule.ev_class = 'read_by_verdicts'::regclass AND depends.refclassid = 'pg_class'::regclass
    AND depends.refobjid <> rule.ev_class AND depends.refobjsubid > 0
"""
COLUMNS_WATCHED = """
SELECT DISTINCT tgrelid::regclass::text, attribute.attname::text
FROM pg_trigger
JOIN pg_depend AS depends ON depends.classid = 'pg_trigger'::regclass AND depends.objid = pg_trigger.oid
JOIN pg_attribute AS attribute ON attribute.attrelid = depends.refobjid AND attribute.attnum = depends.refobjsubid
WHERE tgname = 'record_changes_update' AND depends.refclassid = 'pg_class'::regclass AND depends.refobjsubid > 0
"""


def fetch(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


def columns_read() -> set[Column]:
    """Ask PostgreSQL on which columns a view of the statement depends: selected, joined, filtered, in subqueries."""
    records, columns = RECORDS.sql.replace("$1", "NULL"), ", ".join(KeyRow._fields)
    fetch(f"CREATE TEMPORARY VIEW read_by_verdicts AS SELECT * FROM ({records}) AS record ({columns})")
    try:
        return set(fetch(COLUMNS_READ))
    finally:
        fetch("DROP VIEW read_by_verdicts")


def columns_watched() -> set[Column]:
    return set(fetch(COLUMNS_WATCHED))


def test_every_column_that_a_verdict_reads_is_watched():
    read, watched = columns_read(), columns_watched()
    assert read - watched == set()
    assert watched - read == WATCHED_BUT_NOT_READ.keys()
    assert {table for table, _ in watched} == set(RECORD_TABLES)


def test_every_watched_column_is_changed_here():
    assert MUTATIONS.keys() == columns_watched()


@pytest.fixture
def scene() -> dict[str, int]:
    """Two rows of each table; by table, the first one's id. References lead to the second row after a change."""
    user, other = make_user(), make_user()
    user.groups.add(make_role("reports:write"))
    make_role("credits:grant")
    key = make_key(user, metadata={"a": 1}).row
    make_key(other)
    Plan.objects.create(name="another")
    firsts: dict[str, models.Model] = {"users": user, "api_keys": key, "plans": user.plan}
    lowest = {table: model._default_manager.aggregate(pk=Min("pk"))["pk"] for table, model in MODELS.items()}
    return lowest | {table: row.pk for table, row in firsts.items()}


def expected(table: str, before: dict[str, Any], after: dict[str, Any]) -> frozenset[tuple[str, int]]:
    if table not in NAMED:
        return ALL
    kind, column = NAMED[table]
    return frozenset((kind, values[column]) for values in (before, after))


def values_of(table: str, row: int) -> dict[str, Any]:
    found = MODELS[table]._default_manager.filter(pk=row).values()
    return dict(found[0]) if found else {}


@pytest.mark.parametrize(("table", "column"), MUTATIONS)
def test_a_change_by_sql_is_noted(scene: dict[str, int], table: str, column: str):
    row, value = scene[table], MUTATIONS[table, column]
    before = values_of(table, row)
    with new_reader() as reader, connection.cursor() as cursor:
        # In a restore's mode, without foreign keys: the primary keys can be changed too.
        cursor.execute(
            f'BEGIN; SET LOCAL session_replication_role = replica; UPDATE {table} SET "{column}" = {value} '
            f"WHERE id = {row}; COMMIT"
        )
        after = values_of(table, row) or {**before, "id": row + 1000000}
        assert reader.check() == expected(table, before, after)
        assert reader.check() == NOTHING


@pytest.mark.parametrize("bulk", [False, True], ids=["update", "bulk_update"])
@pytest.mark.parametrize(("table", "column"), [each for each in MUTATIONS if each[1] != "id"])
def test_a_change_by_the_orm_is_noted(scene: dict[str, int], table: str, column: str, bulk: bool):
    row, manager = scene[table], MODELS[table]._default_manager
    ((value,),) = fetch(f"SELECT ({MUTATIONS[table, column]}) FROM {table} WHERE id = {row}")
    (field,) = [field for field in MODELS[table]._meta.concrete_fields if field.attname == column]
    before = values_of(table, row)
    with new_reader() as reader:
        if bulk:
            changed = manager.get(pk=row)
            setattr(changed, field.attname, value)
            manager.bulk_update([changed], [field.name])
        else:
            manager.filter(pk=row).update(**{field.attname: value})
        assert reader.check() == expected(table, before, values_of(table, row))


UNREAD = {
    "users": "last_login = now(), password = 'x', full_name = 'Ann', failed_login_attempts = 3, updated_at = now()",
    "api_keys": "description = 'new', revoked_reason = 'x', updated_at = now(), name = name",
    "api_key_secrets": "prefix = 'sk_live_x', created_at = now()",
    "plans": "credits_monthly = 5, api_keys_maximum = 3, updated_at = now()",
    "api_key_counters": "budget_spent = 5, last_used_at = now()",
    "credit_balances": "balance = 5",
}


@pytest.mark.parametrize("table", UNREAD)
def test_a_change_that_no_verdict_depends_on_adds_no_row(scene: dict[str, int], table: str):
    rows = RecordChange.objects.count()
    with new_reader() as reader:
        fetch(f"UPDATE {table} SET {UNREAD[table]}")
        assert reader.check() == NOTHING
    assert RecordChange.objects.count() == rows


def test_json_that_compares_as_equal_but_is_shown_differently_is_noted():
    key = make_key(metadata={"a": 1}).row
    with new_reader() as reader:
        fetch("""UPDATE api_keys SET metadata = '{"a": 1.0}' WHERE id = %s""", key.pk)
        assert reader.check() == {("key", key.pk)}


def test_new_accounts_keys_secrets_and_plans_change_nothing_that_is_cached():
    user = make_user()
    key = make_key(user).row
    with new_reader() as reader:
        make_key(user)
        add_secret(key)
        make_user()
        Plan.objects.create(name="new")
        assert reader.check() == NOTHING


def test_what_is_deleted_is_noted_though_it_is_added_again():
    key = make_key().row
    secret = key.secrets.get()
    with new_reader() as reader:
        secret.delete()
        secret.save(force_insert=True)
        assert reader.check() == {("key", key.pk)}


def test_roles_given_and_taken_are_noted():
    user, role = make_user(), Role.objects.create(name="new")
    with new_reader() as reader:
        user.groups.add(role)
        assert reader.check() == {("user", user.pk)}
        user.groups.remove(role)
        assert reader.check() == {("user", user.pk)}
        scope = RoleScope.objects.create(role_id=role.pk, scope="users:read")
        assert reader.check() == ALL
        scope.delete()
        assert reader.check() == ALL


def test_new_and_deleted_rate_limits_of_plans_are_noted():
    plan = Plan.objects.create(name="new")
    with new_reader() as reader:
        limit = PlanLimit.objects.create(plan=plan, name="hour", limit=1, period_seconds=3600)
        assert reader.check() == ALL
        limit.delete()
        assert reader.check() == ALL
        plan.delete()
        assert reader.check() == ALL


@pytest.mark.parametrize("table", ["users_groups", "role_scopes", "plan_limits", "api_key_secrets"])
def test_an_emptied_table_is_noted(table: str):
    with new_reader() as reader:
        fetch(f"BEGIN; TRUNCATE {table}; TRUNCATE {table}; COMMIT")
        assert reader.check() == ALL
        assert reader.check() == NOTHING

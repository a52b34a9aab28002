"""The undocumented parts of Django that `apps/core/database/orm` uses behave as expected.

After an upgrade of Django, a failing test names the part that has changed; `compiling.py` lists the parts.
"""

from typing import Any

import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model, QuerySet, sql
from django.db.models.constants import OnConflict
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler

from apps.core.database.orm.compiling import ALIAS, CompiledQuery, compiler_of, compiling_connection
from apps.plans.models import Plan, PlanLimit
from apps.users.models import User

pytestmark = pytest.mark.integration

PLANS: Any = Plan.objects.filter(name="free")


def compiled(query: sql.Query) -> tuple[str, tuple[object, ...]]:
    statement, parameters = compiler_of(query).as_sql()
    return statement, tuple(parameters)


def test_query_compiles_on_an_unopened_connection():
    assert isinstance(compiling_connection(), DatabaseWrapper)
    assert compiling_connection().connection is None
    assert isinstance(compiler_of(PLANS.query), SQLCompiler)
    statement, parameters = compiled(PLANS.query)
    assert statement.startswith('SELECT "plans"."id", ')
    assert statement.endswith(' FROM "plans" WHERE "plans"."name" = %s ORDER BY "plans"."id" ASC')
    assert parameters == ("free",)
    with pytest.raises(RuntimeError, match="compiling only"):
        compiling_connection().connect()


def test_compiler_checks_autocommit_before_locking(monkeypatch: pytest.MonkeyPatch):
    locking = User.objects.select_related("plan").select_for_update(of=("self",), no_key=True)
    assert compiled(locking.query)[0].endswith('FOR NO KEY UPDATE OF "users"')
    monkeypatch.setattr(type(compiling_connection()), "get_autocommit", lambda _connection: True)
    with pytest.raises(Exception, match="select_for_update cannot be used outside of a transaction"):
        compiled(locking.query)


def test_parameters_are_bound_on_the_server():
    assert compiling_connection().features.uses_server_side_binding is True


def test_compiled_select_describes_its_instances():
    compiler = compiler_of(PlanLimit.objects.select_related("plan").annotate(moment=Now()).query)
    compiler.as_sql()
    assert compiler.klass_info["model"] is PlanLimit
    fields = compiler.klass_info["select_fields"]
    names = [compiler.select[place][0].target.attname for place in fields]
    assert names == [field.attname for field in PlanLimit._meta.concrete_fields]
    assert compiler.annotation_col_map.keys() == {"moment"}
    assert compiler.col_count == len(compiler.select)
    populators = get_related_populators(compiler.klass_info, compiler.select, ALIAS, PLANS._fetch_mode)
    limit = PlanLimit(plan_id=3)
    (populator,) = populators
    start = compiler.klass_info["related_klass_infos"][0]["select_fields"][0]
    populator.populate([*range(start), *Plan._meta.concrete_fields], limit)
    assert isinstance(limit.plan, Plan)


def test_converters_are_found_by_column_and_applied_to_rows():
    compiler = compiler_of(PlanLimit.objects.all().query)
    compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select])
    assert converters == {}  # PostgreSQL's values need none; JSON does
    json_column = [Plan._meta.get_field("name").get_col("plans")]
    assert list(compiler.apply_converters([["x"]], {0: ([lambda value, _e, _c: value + "!"], json_column[0])})) == [
        ["x!"]
    ]


def test_instances_inherit_the_fetch_mode():
    assert hasattr(QuerySet(Plan), "_fetch_mode")
    row = [7, "gold", 3, None, None]
    columns = [field.attname for field in Plan._meta.concrete_fields]
    by_name = dict(zip(columns, row, strict=False))
    found = Plan.from_db(ALIAS, columns, [by_name.get(name) for name in columns], fetch_mode=PLANS._fetch_mode)
    assert (found.pk, found._state.adding, found._state.db) == (7, False, ALIAS)


def test_update_query_accepts_field_or_column_names():
    query = PLANS.query.chain(sql.UpdateQuery)
    query.add_update_values({"name": "gold", "updated_at": Now()})
    statement, parameters = compiled(query)
    assert statement.startswith('UPDATE "plans" SET "name" = %s, "updated_at" = STATEMENT_TIMESTAMP() WHERE')
    assert parameters == ("gold", "free")
    query = User.objects.filter(pk=1).query.chain(sql.UpdateQuery)
    query.add_update_values({"plan_id": 2})  # type: ignore[attr-defined]
    assert compiled(query) == ('UPDATE "users" SET "plan_id" = %s WHERE "users"."id" = %s', (2, 1))


def test_delete_query_deletes_only_its_rows():
    assert compiled(PLANS.query.chain(sql.DeleteQuery)) == (
        'DELETE FROM "plans" WHERE "plans"."name" = %s',
        ("free",),
    )


@pytest.mark.parametrize(("on_conflict", "ending"), [(None, ""), (OnConflict.IGNORE, " ON CONFLICT DO NOTHING")])
def test_insert_query_returns_requested_fields(on_conflict: OnConflict | None, ending: str):
    query = sql.InsertQuery(Plan, on_conflict=on_conflict)
    name = Plan._meta.get_field("name")
    query.insert_values([name], [Plan(name="gold")], raw=True)
    compiler = compiler_of(query)
    assert isinstance(compiler, SQLInsertCompiler)
    compiler.returning_fields = [Plan._meta.pk]
    ((statement, parameters),) = compiler.as_sql()
    assert statement == f'INSERT INTO "plans" ("name") VALUES (%s){ending} RETURNING "plans"."id"'
    assert tuple(parameters) == ("gold",)


def test_field_has_database_default_and_is_returned():
    created: Any = Plan._meta.get_field("created_at")
    assert isinstance(created._db_default_expression, Now)
    assert created.db_returning
    assert Plan._meta.pk in Plan._meta.db_returning_fields
    query = sql.InsertQuery(Plan)
    row = Plan(name="gold", created_at=DatabaseDefault(created._db_default_expression, created.db_default))
    query.insert_values([Plan._meta.get_field("name"), created], [row], raw=True)
    ((statement, _),) = compiler_of(query).as_sql()
    assert statement == 'INSERT INTO "plans" ("name") VALUES (%s)'  # the database fills the column in


def test_instance_state_tracks_adding():
    assert Plan(name="gold")._state.adding is True
    assert issubclass(Plan, Model)
    assert CompiledQuery(PLANS).model is Plan

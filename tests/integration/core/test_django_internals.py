"""The undocumented parts of Django that `apps/core/database/orm` touches behave as it expects.

After an upgrade of Django a failure here says which part has changed; `compiling.py` lists where each is used.
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


def test_a_query_is_compiled_for_a_connection_that_is_never_opened():
    assert isinstance(compiling_connection(), DatabaseWrapper)
    assert compiling_connection().connection is None
    assert isinstance(compiler_of(PLANS.query), SQLCompiler)
    statement, parameters = compiled(PLANS.query)
    assert statement.startswith('SELECT "plans"."id", ')
    assert statement.endswith(' FROM "plans" WHERE "plans"."name" = %s ORDER BY "plans"."id" ASC')
    assert parameters == ("free",)
    with pytest.raises(RuntimeError, match="compiling only"):
        compiling_connection().connect()


def test_the_compiler_asks_for_autocommit_before_it_locks(monkeypatch: pytest.MonkeyPatch):
    locking = User.objects.select_related("plan").select_for_update(of=("self",), no_key=True)
    assert compiled(locking.query)[0].endswith('FOR NO KEY UPDATE OF "users"')
    monkeypatch.setattr(type(compiling_connection()), "get_autocommit", lambda _connection: True)
    with pytest.raises(Exception, match="select_for_update cannot be used outside of a transaction"):
        compiled(locking.query)


def test_parameters_are_left_to_the_server():
    assert compiling_connection().features.uses_server_side_binding is True


def test_a_compiled_select_says_how_rows_become_instances():
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
    compiler = compiler_of(Plan.objects.all().query)
    compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select])
    assert converters == {}  # PostgreSQL's values need none; JSON does
    json_column = [Plan._meta.get_field("name").get_col("plans")]
    assert list(compiler.apply_converters([["x"]], {0: ([lambda value, _e, _c: value + "!"], json_column[0])})) == [
        ["x!"]
    ]


def test_a_queryset_has_a_fetch_mode_that_instances_inherit():
    assert hasattr(QuerySet(Plan), "_fetch_mode")
    row = [7, "gold", 3, None, None]
    columns = [field.attname for field in Plan._meta.concrete_fields]
    by_name = dict(zip(columns, row, strict=False))
    found = Plan.from_db(ALIAS, columns, [by_name.get(name) for name in columns], fetch_mode=PLANS._fetch_mode)
    assert (found.pk, found._state.adding, found._state.db) == (7, False, ALIAS)


def test_an_update_query_takes_values_by_field_or_column():
    query = PLANS.query.chain(sql.UpdateQuery)
    query.add_update_values({"name": "gold", "updated_at": Now()})
    statement, parameters = compiled(query)
    assert statement.startswith('UPDATE "plans" SET "name" = %s, "updated_at" = STATEMENT_TIMESTAMP() WHERE')
    assert parameters == ("gold", "free")
    query = User.objects.filter(pk=1).query.chain(sql.UpdateQuery)
    query.add_update_values({"plan_id": 2})  # type: ignore[attr-defined]
    assert compiled(query) == ('UPDATE "users" SET "plan_id" = %s WHERE "users"."id" = %s', (2, 1))


def test_a_delete_query_deletes_the_rows_alone():
    assert compiled(PLANS.query.chain(sql.DeleteQuery)) == (
        'DELETE FROM "plans" WHERE "plans"."name" = %s',
        ("free",),
    )


@pytest.mark.parametrize(("on_conflict", "ending"), [(None, ""), (OnConflict.IGNORE, " ON CONFLICT DO NOTHING")])
def test_an_insert_query_returns_what_is_asked_for(on_conflict: OnConflict | None, ending: str):
    query = sql.InsertQuery(Plan, on_conflict=on_conflict)
    name = Plan._meta.get_field("name")
    query.insert_values([name], [Plan(name="gold")], raw=True)
    compiler = compiler_of(query)
    assert isinstance(compiler, SQLInsertCompiler)
    compiler.returning_fields = [Plan._meta.pk]
    ((statement, parameters),) = compiler.as_sql()
    assert statement == f'INSERT INTO "plans" ("name") VALUES (%s){ending} RETURNING "plans"."id"'
    assert tuple(parameters) == ("gold",)


def test_a_field_knows_its_default_in_the_database_and_that_it_comes_back():
    created: Any = Plan._meta.get_field("created_at")
    assert isinstance(created._db_default_expression, Now)
    assert created.db_returning
    assert Plan._meta.pk in Plan._meta.db_returning_fields
    query = sql.InsertQuery(Plan)
    row = Plan(name="gold", created_at=DatabaseDefault(created._db_default_expression, created.db_default))
    query.insert_values([Plan._meta.get_field("name"), created], [row], raw=True)
    ((statement, _),) = compiler_of(query).as_sql()
    assert statement == 'INSERT INTO "plans" ("name") VALUES (%s)'  # the database fills the column in


def test_an_instance_that_was_saved_says_so_in_its_state():
    assert Plan(name="gold")._state.adding is True
    assert issubclass(Plan, Model)
    assert CompiledQuery(PLANS).model is Plan

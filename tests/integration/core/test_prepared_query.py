"""QuerySets that are compiled once return the same instances as Django, for all values."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from django.db.models import DecimalField, F, OuterRef, Q, QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Lower, Now
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.core.database.orm import prepared_query
from apps.core.database.orm.prepared_query import CannotPrepare, PreparedQuery, prepared
from apps.core.database.pipeline.shared_reads import read_rows
from apps.plans.models import Plan
from apps.users.models import User
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows


@prepared
def keys_of(user_id: int, name: str) -> QuerySet[ApiKey]:
    newest = ApiKeySecret.objects.filter(api_key=OuterRef("pk"), api_key__name=name).order_by("-id")
    return (
        ApiKey.objects.filter(Q(user_id=user_id) | Q(user_id=user_id), deleted_at=None, name=name)
        .annotate(
            prefix=Subquery(newest.values("prefix")[:1]), spent=F("counter__budget_spent"), constant=Value("100%")
        )
        .select_related("user__plan")
        .order_by("-id")
    )


@prepared
def users_since(moment: datetime, email: str) -> QuerySet[User]:
    return User.objects.filter(created_at__gte=moment).exclude(email=Lower(Value(email))).order_by("id")


@prepared
def every_plan() -> QuerySet[Plan]:
    return Plan.objects.order_by("id")


def facts(instances: list[Any]) -> list[dict[str, object]]:
    return [{name: value for name, value in vars(one).items() if name != "_state"} for one in instances]


async def test_prepared_query_returns_the_same_instances_as_django(database):
    users = [await make(make_user) for _ in range(2)]
    for user in users:
        for name in ("a", "b'%s %% \\ é", "a"):
            await make(make_key, user, name=name, metadata={"n": 1}, scopes=["x"])
    for user in users:
        for name in ("a", "b'%s %% \\ é", "'; DROP TABLE users; --", ""):
            queryset = keys_of._function(user.pk, name)
            native, django = await keys_of.all(user.pk, name), await rows(queryset)
            assert (native, facts(native)) == (django, facts(django))
            assert await keys_of.count(user.pk, name) == len(django)
            assert await keys_of.first(user.pk, name) == (django[0] if django else None)
            assert await keys_of.all(name=name, user_id=user.pk) == django
            assert await keys_of.all(user.pk, name=name) == django


async def test_values_of_each_type_are_bound(database):
    user = await make(make_user)
    moments = [timezone.now() - timedelta(hours=1), timezone.now() + timedelta(hours=1)]
    assert [await users_since.count(moment, "x") for moment in moments] == [1, 0]
    assert await users_since.all(moments[0], user.email.upper()) == []

    @prepared
    def echo(amount: Decimal, day: date, name: UUID) -> QuerySet[Plan]:
        given = Value(amount, DecimalField(max_digits=20, decimal_places=6)), Value(name, UUIDField())
        return Plan.objects.filter(name="free", limits=None).annotate(amount=given[0], name_given=given[1])

    with pytest.raises(CannotPrepare, match="does not appear"):
        await echo.all(Decimal("1.5"), date(2026, 1, 1), UUID(int=1))


@pytest.mark.parametrize("number", [0, -1, 2**15, 2**31, 2**63 - 1, 2**63, -(2**70)])
async def test_integer_of_any_size_is_accepted(database, number: int):
    assert await keys_of.all(number, "a") == []


async def test_prepared_query_is_compiled_once(database, monkeypatch: pytest.MonkeyPatch):
    compiled: list[object] = []
    as_sql = SQLCompiler.as_sql
    user = await make(make_user)
    await keys_of.page(0, 20, user.pk, "a")
    await keys_of.count(user.pk, "a")

    def recording_as_sql(*args: Any, **more: Any) -> Any:
        compiled.append(args)
        return as_sql(*args, **more)

    monkeypatch.setattr(SQLCompiler, "as_sql", recording_as_sql)
    for number in range(5):
        await keys_of.page(number, 20, user.pk, "a")
        await keys_of.first(number, "b")
    assert compiled == []
    await rows(User.objects.all())
    assert len(compiled) == 1


@pytest.mark.parametrize(("offset", "size", "statements"), [(0, 4, 1), (2, 2, 1), (0, 3, 2), (0, 1, 2), (5, 2, 2)])
async def test_page_counts_only_when_it_is_full_or_past_the_end(
    database, monkeypatch: pytest.MonkeyPatch, offset: int, size: int, statements: int
):
    user, statements_run = await make(make_user), []
    for _ in range(3):
        await make(make_key, user, name="a")

    async def recording_read_rows(sql: str, parameters: Sequence[Any]) -> Any:
        statements_run.append(sql)
        return await read_rows(sql, parameters)

    monkeypatch.setattr(prepared_query, "read_rows", recording_read_rows)
    assert (await keys_of.page(offset, size, user.pk, "a"))[1] == 3
    assert len(statements_run) == statements


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
async def test_page_returns_rows_and_total(database, number: int):
    user = await make(make_user)
    keys = [(await make(make_key, user, name="a")).id for _ in range(number)][::-1]
    for offset in range(7):
        for size in (1, 2, 3):
            found, total = await keys_of.page(offset, size, user.pk, "a")
            assert ([key.pk for key in found], total) == (keys[offset : offset + size], number)


async def test_prepared_query_without_parameters(database):
    assert [plan.name for plan in await every_plan.all()] == [
        plan.name for plan in await rows(Plan.objects.order_by("id"))
    ]


class Color(StrEnum):
    """A string type that psycopg would send by its member's name."""

    RED = "red"


@pytest.mark.parametrize(
    "values", [(None, "a"), (1, None), ("1", "a"), (True, "a"), (1.0, "a"), (1, Color.RED), (1, [])]
)
async def test_value_of_another_type_is_rejected(database, values):
    with pytest.raises(TypeError, match="must be"):
        await keys_of.all(*values)


@pytest.mark.parametrize(("args", "more"), [((), {}), ((1,), {}), ((1, "a", 2), {}), ((1,), {"other": "a"})])
async def test_missing_and_extra_values_are_rejected(database, args, more):
    with pytest.raises((ValueError, KeyError, TypeError)):
        await keys_of.all(*args, **more)


def depends_on_a_value(user_id: int) -> QuerySet[User]:
    return User.objects.filter(pk=user_id) if user_id % 200 < 100 else User.objects.exclude(pk=user_id)


UNSUPPORTED: dict[str, tuple[Any, str]] = {
    "converted by the lookup": (lambda text: User.objects.filter(email__icontains=text), "converted before"),
    "converted by the field": (lambda text: ApiKey.objects.filter(metadata__name=text), "converted before"),
    "unused parameter": (lambda text: User.objects.all(), "does not appear"),
    "current time": (
        lambda text: User.objects.filter(email=text, created_at__lt=datetime.now(UTC)),
        "from call to call",
    ),
    "empty": (lambda text: User.objects.none().filter(email=text), "never returns rows"),
    "sliced": (lambda text: User.objects.filter(email=text)[:1], "sliced"),
    "locked": (lambda text: User.objects.filter(email=text).select_for_update(), "locked"),
    "values": (lambda text: User.objects.filter(email=text).values("pk"), "return instances"),
    "prefetch": (lambda text: ApiKey.objects.filter(name=text).prefetch_related("secrets"), "must not prefetch"),
    "combined": (lambda text: User.objects.filter(email=text).union(User.objects.filter(username=text)), "combined"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
async def test_query_that_depends_on_values_is_rejected(database, name: str):
    build, message = UNSUPPORTED[name]

    def function(text: str) -> QuerySet[Any]:
        queryset: QuerySet[Any] = build(text)
        return queryset

    query = PreparedQuery(function)
    for _ in range(2):
        with pytest.raises(CannotPrepare, match=message):
            await query.all("text")


async def test_condition_on_a_value_is_rejected(database):
    query = PreparedQuery(depends_on_a_value)
    with pytest.raises(CannotPrepare, match="depends on a value"):
        await query.all(1)


@pytest.mark.parametrize("annotation", [bool, list, float, "int", int | None, None])
def test_unsupported_annotation_is_rejected_immediately(annotation):
    def function(value: Any) -> QuerySet[User]:
        return User.objects.filter(is_active=value)

    function.__annotations__["value"] = annotation
    with pytest.raises(CannotPrepare, match="must be annotated"):
        prepared(function)


async def test_database_time_can_be_used(database):
    @prepared
    def created_before_now(name: str) -> QuerySet[User]:
        return User.objects.filter(full_name=name, created_at__lte=Now())

    await make(make_user, full_name="Ann")
    assert [user.full_name for user in await created_before_now.all("Ann")] == ["Ann"]

"""QuerySets that run asynchronously return the same instances as Django."""

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from django.db.models import Count, F, Model, QuerySet, Value
from django.db.models.functions import Upper

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.core.database.orm.queries import count, fetch_all, fetch_one
from apps.core.database.statements import fetch_rows
from apps.core.database.transaction import transaction
from apps.plans.models import Plan, PlanLimit
from apps.users.models import User
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows


def facts(instances: list[Model]) -> list[dict[str, object]]:
    """Return the attributes of the instances, with related instances and without Django's internal state."""
    return [{name: value for name, value in vars(one).items() if name != "_state"} for one in instances]


async def make_some() -> None:
    for number in range(3):
        user = await make(make_user, full_name=f"Name {number}")
        await make(make_key, user, scopes=["a", "b:*"], metadata={"n": number, "deep": [1, {"é": None}]})


QUERYSETS: dict[str, QuerySet[Model]] = {
    "plain": User.objects.order_by("id"),
    "select_related": User.objects.select_related("plan").order_by("id"),
    "select_related twice": ApiKeySecret.objects.select_related("api_key__user__plan").order_by("id"),
    "annotate": User.objects.annotate(shout=Upper("full_name"), one=Value(1)).order_by("id"),
    "annotate count": Plan.objects.annotate(limit_count=Count("limits")).order_by("id"),
    "both": ApiKey.objects.select_related("user").annotate(email=F("user__email")).order_by("-id"),
    "json and arrays": ApiKey.objects.filter(scopes__contains=["a"], metadata__n=1),
    "sliced": User.objects.order_by("-id")[1:2],
    "distinct": Plan.objects.filter(limits__limit__gte=1).distinct().order_by("id"),
    "only": User.objects.only("id", "email").order_by("id"),
    "related filter": PlanLimit.objects.filter(plan__name="pro"),
    "empty": User.objects.none(),
    "impossible": User.objects.filter(pk__in=[]),
    "nothing found": User.objects.filter(email="unknown@example.com"),
}


@pytest.mark.parametrize("name", QUERYSETS)
async def test_fetch_all_returns_the_same_instances_as_django(database, name: str):
    await make_some()
    queryset = QUERYSETS[name].all()
    native, django = await fetch_all(queryset), await rows(queryset)
    assert native == django
    assert facts(native) == facts(django)


async def test_timestamps_are_in_utc_as_django_reads_them(database):
    await make_some()
    for opened in (nullcontext(), transaction()):
        async with opened:
            found = await fetch_all(ApiKey.objects.order_by("id"))
            ((now,),) = await fetch_rows("SELECT timestamptz '1999-12-31 23:59:59.999999+02'")
        assert [key.created_at for key in found] == [
            key.created_at for key in await rows(ApiKey.objects.order_by("id"))
        ]
        assert {key.created_at.tzinfo for key in found} == {UTC}
        assert (now, now.tzinfo) == (datetime(1999, 12, 31, 21, 59, 59, 999_999, UTC), UTC)


@pytest.mark.parametrize("name", [name for name in QUERYSETS if name != "sliced"])
async def test_count_equals_django_count(database, name: str):
    await make_some()
    queryset = QUERYSETS[name].all()
    assert await count(queryset) == len(await rows(queryset))


async def test_related_rows_are_loaded_with_the_query(database):
    await make_some()
    found = await fetch_all(User.objects.select_related("plan"))
    assert [user.plan.name for user in found] == ["free"] * 3


async def test_fetched_instance_is_marked_as_saved(database):
    await make_some()
    user = await fetch_one(User.objects.order_by("id"))
    assert user is not None
    assert (user._state.adding, user._state.db) == (False, "default")


async def test_fetch_one_returns_first_or_none(database):
    assert await fetch_one(User.objects.all()) is None
    assert await fetch_one(User.objects.none()) is None
    await make_some()
    first = await fetch_one(User.objects.order_by("full_name"))
    assert first is not None
    assert first.full_name == "Name 0"


async def test_parameters_are_not_interpolated(database):
    await make_some()
    for text in ("'; DROP TABLE users; --", "%s", "%%", "\\", "_"):
        assert await fetch_all(User.objects.filter(full_name=text)) == []
    assert await fetch_rows("SELECT %s, %s::bigint", ["a'b%", 2**62]) == [("a'b%", 2**62)]
    assert len(await fetch_all(User.objects.all())) == 3


async def test_statement_without_rows_returns_an_empty_list(database):
    assert await fetch_rows("CREATE TEMPORARY TABLE nothing (id int)") == []


async def test_concurrent_queries_get_their_own_rows(database):
    results = await asyncio.gather(*(fetch_rows("SELECT %s::int", [number]) for number in range(200)))
    assert [result[0][0] for result in results] == list(range(200))


async def test_timestamps_are_utc(database):
    await make_some()
    user = await fetch_one(User.objects.all())
    assert user is not None
    assert str(user.created_at.tzinfo) == "UTC"
    assert await fetch_rows("SHOW TimeZone") == [("UTC",)]


@pytest.mark.parametrize("text", ["50%%", "%%s"])
async def test_percent_signs_are_escaped_with_and_without_a_transaction(database, text: str):
    statement = f"SELECT '{text}'"
    outside = await fetch_rows(statement)
    async with transaction():
        assert await fetch_rows(statement) == outside == [(text.replace("%%", "%"),)]

"""Writes have the same effect as Django's, with the database's clock and defaults."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Now

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.authentication.models import Session, SigningKey
from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.orm.queries import count, exists, fetch_all, fetch_one, lock_all
from apps.core.database.orm.writes import delete, insert, insert_all, insert_if_free, update
from apps.core.database.statements import fetch_rows
from apps.core.database.transaction import transaction
from apps.credits.models import CreditBalance, CreditTransaction
from apps.plans.models import Plan, PlanLimit
from apps.users.models import User
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration


async def database_now() -> datetime:
    moment: datetime = (await fetch_rows("SELECT now()"))[0][0]
    return moment


async def new_account(**fields: Any) -> User:
    free = await fetch_one(Plan.objects.filter(name="free"))
    assert free is not None
    return User(email="ann@example.com", username="ann", password="!", plan=free, **fields)


async def test_insert_sets_primary_key_and_database_defaults(database):
    async with transaction():
        started_at = await database_now()
        user = await insert(await new_account())
        ended = (await fetch_rows("SELECT clock_timestamp()"))[0][0]
    assert user.pk
    assert not user._state.adding
    assert started_at <= user.created_at == user.updated_at <= ended  # by the database's clock, not this machine's
    assert (user.is_active, user.is_staff, user.pending_email) == (True, False, "")
    (stored,) = await rows(User.objects.filter(pk=user.pk))
    for field in User._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(user, field.attname), field.attname


async def test_values_of_every_type_round_trip(database):
    user = await make(make_user)
    moment = datetime(2026, 2, 3, 4, 5, 6, 789, UTC)
    async with transaction():
        session = await insert(
            Session(
                user_id=user.pk, family_digest=b"\x00\xff", methods=["pwd", "otp"], earlier_rotations=[moment],
                user_agent='a "b" \\ ü', ip_address="2001:db8::1", last_used_at=moment,
                expires_at=Now() + timedelta(days=1),
            )
        )  # fmt: skip
        event = await insert(
            AuditEvent(
                actor_id=None, actor_kind="operator", action="x.y", target_kind="x",
                before={}, after={"a": [1, None, {"ü": "\\u0000 no"}], "b": "10.50"}, ip_address=None,
            )
        )  # fmt: skip
        entry = await insert(
            CreditTransaction(user_id=user.pk, type="top_up", amount=Decimal("0.000001"), balance_after=Decimal(7))
        )
    assert isinstance(session.expires_at, datetime)  # an expression is replaced by its value
    for instance in (session, event, entry):
        (stored,) = await rows(type(instance).objects.filter(pk=instance.pk))
        for field in instance._meta.concrete_fields:
            written, read = getattr(instance, field.attname), getattr(stored, field.attname)
            assert (bytes(read) if isinstance(read, memoryview) else read) == written, field.attname


async def test_failed_insert_names_the_constraint(database):
    await make(make_user, email="ann@example.com")
    with pytest.raises(ConstraintViolated) as violation:
        async with transaction():
            await insert(await new_account())
    assert violation.value.constraint == "users_email_unique"


async def test_insert_if_free_leaves_the_transaction_usable(database):
    await make(make_user, email="ann@example.com")
    async with transaction():
        taken = await new_account()
        assert await insert_if_free(taken) is False
        assert not taken.pk
        free = await new_account()
        free.email = "bob@example.com"
        assert await insert_if_free(free) is True
    assert await exists(User.objects.filter(pk=free.pk, email="bob@example.com"))


async def test_insert_all_inserts_many_rows(database):
    async with transaction():
        plan = await insert(Plan(name="gold"))
        limits = [PlanLimit(plan=plan, name=name, limit=1, period_seconds=60) for name in "abc"]
        await insert_all(limits)
        await insert_all([])
        assert [limit.name for limit in limits if limit.pk] == ["a", "b", "c"]
        again = [PlanLimit(plan=plan, name=name, limit=2, period_seconds=60) for name in "cd"]
        await insert_all(again, ignore_conflicts=True)
    found = await fetch_all(PlanLimit.objects.filter(plan=plan).order_by("name"))
    assert [(limit.name, limit.limit) for limit in found] == [("a", 1), ("b", 1), ("c", 1), ("d", 2)]


async def test_update_counts_rows_and_sets_updated_at(database):
    user = await make(make_user)
    before = user.updated_at
    async with transaction():
        assert await update(User.objects.filter(pk=user.pk), full_name="Ann", plan_id=user.plan_id) == 1
        assert await update(User.objects.filter(pk=-1), full_name="Ann") == 0
        assert await update(User.objects.none(), full_name="Ann") == 0
        ended = (await fetch_rows("SELECT clock_timestamp()"))[0][0]
    (after,) = await rows(User.objects.filter(pk=user.pk))
    assert after.full_name == "Ann"
    assert before < after.updated_at <= ended


async def test_update_accepts_expressions_and_explicit_updated_at(database):
    user = await make(make_user)
    moment = datetime(2026, 2, 3, tzinfo=UTC)
    async with transaction():
        await update(CreditBalance.objects.filter(pk=user.pk), balance=F("balance") + 5)
        await update(User.objects.filter(pk=user.pk), full_name=Concat("username", Value("!")), updated_at=moment)
    (balance,) = await rows(CreditBalance.objects.filter(pk=user.pk))
    (after,) = await rows(User.objects.filter(pk=user.pk))
    assert (balance.balance, after.full_name, after.updated_at) == (Decimal(5), f"{user.username}!", moment)


async def test_update_of_a_model_without_updated_at(database):
    async with transaction():
        key = await insert(SigningKey(kid="k", public_key=b"p", private_key_encrypted=b"s"))
        assert isinstance(key.created_at, datetime)  # it has no database default
        assert await update(SigningKey.objects.filter(pk=key.pk), retires_at=Now()) == 1


async def test_delete_does_not_cascade(database):
    async with transaction():
        plan = await insert(Plan(name="gold"))
        await insert(PlanLimit(plan=plan, name="minute", limit=1, period_seconds=60))
    with pytest.raises(ConstraintViolated):
        async with transaction():
            assert await delete(Plan.objects.filter(pk=plan.pk)) == 1
    assert await count(PlanLimit.objects.filter(plan=plan)) == 1


async def test_delete_filters_by_a_join(database):
    async with transaction():
        plan = await insert(Plan(name="gold"))
        await insert(PlanLimit(plan=plan, name="minute", limit=1, period_seconds=60))
        assert await delete(PlanLimit.objects.filter(plan__name="gold")) == 1


NOT_ALL_ROWS: dict[str, QuerySet[Plan]] = {
    "a slice": Plan.objects.order_by("id")[:1],
    "distinct rows": Plan.objects.distinct("api_keys_maximum"),
    "a union": Plan.objects.filter(name="free").union(Plan.objects.filter(name="pro")),
}


@pytest.mark.parametrize("name", NOT_ALL_ROWS)
async def test_queryset_that_selects_among_its_rows_is_neither_updated_nor_deleted(database, name: str):
    stored = await rows(Plan.objects.order_by("id"))
    async with transaction():
        with pytest.raises(TypeError, match="slice"):
            await delete(NOT_ALL_ROWS[name])
        with pytest.raises(TypeError, match="slice"):
            await update(NOT_ALL_ROWS[name], api_keys_maximum=1)
    assert [vars(row)["name"] for row in await rows(Plan.objects.order_by("id"))] == [row.name for row in stored]


async def test_locked_rows_are_ordered_by_primary_key(database):
    for name in ("c", "a", "b"):
        await make(make_user, email=f"{name}@example.com")
    async with transaction():
        locked = await lock_all(User.objects.filter(is_staff=False).select_related("plan").order_by("-email"))
        assert [user.pk for user in locked] == sorted(user.pk for user in locked)
        assert {user.plan.name for user in locked} == {"free"}


async def test_writes_outside_a_transaction_commit_separately(database):
    plan = await insert(Plan(name="gold"))
    assert await update(Plan.objects.filter(pk=plan.pk), name="silver") == 1
    assert [row.name for row in await rows(Plan.objects.filter(pk=plan.pk))] == ["silver"]
    assert await delete(Plan.objects.filter(pk=plan.pk)) == 1
    assert await rows(ApiKey.objects.all()) == []

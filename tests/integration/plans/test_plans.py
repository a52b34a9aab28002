"""The plans of a new installation."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apps.core.errors import ValidationFailed
from apps.plans.dependencies import plan_service
from apps.plans.models import Plan, PlanLimit
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")


def test_an_installation_begins_with_three_plans():
    found = PlanLimit.objects.order_by("limit").values_list("plan__name", "name", "limit", "period_seconds")
    assert list(found) == [
        ("free", "minute", 60, 60),
        ("pro", "minute", 600, 60),
        ("enterprise", "minute", 6000, 60),
    ]


async def test_a_plan_is_found_by_name():
    ids = {await plan_service().id_of(name) for name in ("free", "pro", "enterprise")}
    assert len(ids) == 3
    for name in ("gold", "PRO", "", "pro'--"):
        with pytest.raises(ValidationFailed):
            await plan_service().id_of(name)


def refused(write) -> str:
    """Return the database's reason for refusing a write."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    return str(refusal.value)


def test_names_are_unique_and_periods_positive():
    pro = Plan.objects.get(name="pro")
    assert "plans_name" in refused(lambda: Plan.objects.create(name="pro"))
    limits = PlanLimit.objects
    assert "plan_limits_name_unique" in refused(
        lambda: limits.create(plan=pro, name="minute", limit=1, period_seconds=1)
    )
    assert "plan_limits_period_positive" in refused(
        lambda: limits.create(plan=pro, name="none", limit=1, period_seconds=0)
    )
    assert "limit" in refused(lambda: limits.create(plan=pro, name="negative", limit=-1, period_seconds=1))
    assert (Plan.objects.count(), limits.count()) == (3, 3)


def test_the_database_refuses_to_delete_a_plan_with_accounts():
    make_user()
    with pytest.raises(ProtectedError):
        Plan.objects.get(name="free").delete()
    assert Plan.objects.count() == 3

"""What tiers there are."""

from typing import Any

import pytest

from apps.core.errors import ErrorDetail, ValidationFailed
from apps.plans.models import Plan, PlanLimit
from apps.plans.services.plan_service import PlanService

pytestmark = pytest.mark.unit


class FakePlans:
    async def find_by_name(self, name: str) -> Plan | None:
        return Plan(pk=5, name="pro") if name == "pro" else None


@pytest.fixture
def service() -> PlanService:
    plans: Any = FakePlans()
    return PlanService(plans)


async def test_knows_a_plan_by_its_name(service):
    assert await service.id_of("pro") == 5


@pytest.mark.parametrize("name", ["", "PRO", "pro ", "enterprise"])
async def test_refuses_an_unknown_plan(service, name):
    with pytest.raises(ValidationFailed) as refusal:
        await service.id_of(name)
    assert refusal.value.details == (ErrorDetail("plan", "There is no plan of this name."),)


def test_show_what_they_are():
    assert str(Plan(name="pro")) == "pro"
    assert str(PlanLimit(name="minute", limit=600, period_seconds=60)) == "minute: 600 per 60 s"

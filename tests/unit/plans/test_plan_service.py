"""What the plan service allows, writes and records."""

from typing import Any

import pytest

from apps.core.authorization.catalogue import ACCOUNT_WRITE, PLANS_READ, PLANS_WRITE
from apps.core.authorization.principal import OPERATOR
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import Conflict, ErrorDetail, NotAllowed, NotFound, ValidationFailed
from apps.core.schemas.page import PageQuery
from apps.plans.models import Plan, PlanLimit
from apps.plans.schemas.plan import PlanCreate, PlanUpdate
from apps.plans.services.plan_service import PlanService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import LONG_AGO, FakeAudit

pytestmark = pytest.mark.unit

FREE, PRO, MISSING = 1, 5, 404
MINUTE = {"name": "minute", "limit": 60, "period_seconds": 60}
OUTSIDERS = [session_of(1), key_of(1, ACCOUNT_WRITE), key_of(1, PLANS_READ, is_staff=True), staff_of(1, PLANS_READ)]
STAFF_MEMBERS = [staff_of(1, PLANS_WRITE), key_of(1, PLANS_WRITE, is_staff=True), OPERATOR]


def unsaved_plan(plan_id: int, name: str) -> Plan:
    plan = Plan(pk=plan_id, name=name, created_at=LONG_AGO, updated_at=LONG_AGO)
    vars(plan)["rate_limits"] = [MINUTE]
    return plan


class FakePlans:
    """Plans in memory; `calls` are the writes that were asked for, each inside a transaction."""

    def __init__(self) -> None:
        self.plans = {FREE: unsaved_plan(FREE, "free"), PRO: unsaved_plan(PRO, "pro")}
        self.calls: list[tuple[Any, ...]] = []

    async def get(self, plan_id: int) -> Plan:
        if plan_id not in self.plans:
            raise NotFound
        return self.plans[plan_id]

    async def find_by_name(self, name: str) -> Plan | None:
        return next((plan for plan in self.plans.values() if plan.name == name), None)

    async def page(self, **query: Any) -> tuple[list[Plan], int]:
        self.calls.append(("page", query))
        return list(self.plans.values()), len(self.plans)

    async def lock(self, plan_id: int) -> Plan:
        require_transaction("lock")
        return await self.get(plan_id)

    async def insert(self, columns: Any, rate_limits: Any) -> Plan:
        self._note("insert", columns, rate_limits)
        return unsaved_plan(99, columns["name"])

    async def update(self, plan: Plan, columns: Any) -> None:
        self._note("update", plan.pk, columns)

    async def replace_rate_limits(self, plan: Plan, rate_limits: Any) -> None:
        self._note("replace_rate_limits", plan.pk, rate_limits)

    async def delete(self, plan: Plan) -> None:
        self._note("delete", plan.pk)

    def _note(self, *call: Any) -> None:
        require_transaction("write")
        self.calls.append(call)


@pytest.fixture
def plans() -> Any:
    return FakePlans()


@pytest.fixture
def audit() -> Any:
    return FakeAudit()


@pytest.fixture
def service(plans: Any, audit: Any) -> PlanService:
    return PlanService(plans, audit)


async def test_a_plan_is_found_by_name(service):
    assert await service.id_of("pro") == PRO


@pytest.mark.parametrize("name", ["", "PRO", "pro ", "enterprise"])
async def test_an_unknown_name_is_rejected(service, name):
    with pytest.raises(ValidationFailed) as refusal:
        await service.id_of(name)
    assert refusal.value.details == (ErrorDetail("plan", "No plan has this name."),)


def test_plans_and_rate_limits_as_text():
    assert str(Plan(name="pro")) == "pro"
    assert str(PlanLimit(name="minute", limit=600, period_seconds=60)) == "minute: 600 per 60 s"


async def test_everyone_reads_plans(service, plans):
    assert (await service.get(PRO)).name == "pro"
    page = await service.page(PageQuery(page=2, size=1))
    assert ([plan.name for plan in page.items], page.total, page.pages) == (["free", "pro"], 2, 2)
    assert plans.calls == [("page", {"offset": 1, "size": 1})]
    with pytest.raises(NotFound):
        await service.get(MISSING)


@pytest.mark.parametrize("actor", OUTSIDERS)
async def test_others_do_not_change_plans(service, plans, audit, actor):
    for write in (
        service.create(actor, PlanCreate(name="gold")),
        service.update(actor, PRO, PlanUpdate(name="gold")),
        service.delete(actor, PRO),
    ):
        with pytest.raises(NotAllowed):
            await write
    assert (plans.calls, audit.entries) == ([], [])


@pytest.mark.parametrize("actor", STAFF_MEMBERS)
async def test_staff_create_change_and_delete_plans(service, plans, audit, actor):
    assert (await service.create(actor, PlanCreate.model_validate({"name": "gold", "rate_limits": [MINUTE]}))).id == 99
    await service.update(actor, PRO, PlanUpdate.model_validate({"rate_limits": [MINUTE]}))
    await service.delete(actor, PRO)
    assert plans.calls == [
        ("insert", {"name": "gold", "api_keys_maximum": None, "features": {}, "prices": {}}, [MINUTE]),
        ("update", PRO, {}),
        ("replace_rate_limits", PRO, [MINUTE]),
        ("delete", PRO),
    ]
    assert [(entry.action, entry.target_id) for entry in audit.entries] == [
        ("plan.created", 99),
        ("plan.updated", PRO),
        ("plan.deleted", PRO),
    ]
    assert {(entry.actor, entry.target_kind) for entry in audit.entries} == {(actor, "plan")}


async def test_rate_limits_stay_unless_they_are_sent(service, plans):
    await service.update(OPERATOR, PRO, PlanUpdate(name="gold"))
    assert plans.calls == [("update", PRO, {"name": "gold"})]


async def test_default_plan_keeps_its_name_and_is_not_deleted(service, plans, audit):
    with pytest.raises(Conflict) as refusal:
        await service.update(OPERATOR, FREE, PlanUpdate(name="gratis"))
    assert [detail.field for detail in refusal.value.details] == ["name"]
    with pytest.raises(Conflict):
        await service.delete(OPERATOR, FREE)
    assert (plans.calls, audit.entries) == ([], [])
    await service.update(OPERATOR, FREE, PlanUpdate(name="free", api_keys_maximum=5))
    assert plans.calls == [("update", FREE, {"name": "free", "api_keys_maximum": 5})]

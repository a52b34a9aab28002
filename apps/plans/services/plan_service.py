"""What tiers there are, and who may change them."""

from functools import partial
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.errors import Conflict, ErrorDetail, NotFound, ValidationFailed
from apps.core.schemas.page import Page, PageQuery
from apps.plans.models import Plan
from apps.plans.repositories.plan_repository import PlanRepository
from apps.plans.schemas.plan import PlanCreate, PlanOut, PlanUpdate

DEFAULT_PLAN_NAME = "free"  # what new accounts get, by this name
DEFAULT_STAYS = "New accounts get this plan by its name: it is neither renamed nor deleted."


class PlanService:
    """Finds plans for anyone; makes, changes and deletes them for staff.

    Verification reads the windows anew for every batch, so a change holds from its commit.
    """

    def __init__(self, plans: PlanRepository) -> None:
        self._plans = plans

    async def id_of(self, name: str) -> int:
        """Return the id of the plan of that name; raises ValidationFailed when there is none."""
        plan = await self._plans.find_by_name(name)
        if plan is None:
            raise ValidationFailed.of("plan", "There is no plan of this name.")
        return plan.pk

    async def get(self, plan_id: int) -> PlanOut:
        """Return the plan; raises NotFound."""
        plan = await self._plans.find(plan_id)
        if plan is None:
            raise NotFound
        return PlanOut.of(plan)

    async def page(self, query: PageQuery) -> Page[PlanOut]:
        """Return one page of the plans."""
        rows, total = await self._plans.page(offset=query.offset, size=query.size)
        return Page[PlanOut].of(rows, total, query, PlanOut.of)

    async def create(self, actor: Principal, new: PlanCreate) -> PlanOut:
        """Make a plan; raises NotAllowed, or Conflict when the name is taken."""
        actor.require_staff()
        return PlanOut.of(await self._plans.create(new.model_dump(), AuditEntry(actor, "plan.created", "plan")))

    async def update(self, actor: Principal, plan_id: int, update: PlanUpdate) -> PlanOut:
        """Change the plan; raises NotAllowed, NotFound, Conflict when the name is taken or is not to change."""
        actor.require_staff()
        changes = update.model_dump(include=update.model_fields_set)
        audit, guard = AuditEntry(actor, "plan.updated", "plan"), partial(_require_name_may_be, changes.get("name"))
        return PlanOut.of(await self._plans.update(plan_id, changes, audit, guard))

    async def delete(self, actor: Principal, plan_id: int) -> None:
        """Delete the plan; raises NotAllowed, NotFound, Conflict when accounts are on it or new ones get it."""
        actor.require_staff()
        await self._plans.delete(plan_id, AuditEntry(actor, "plan.deleted", "plan"), _require_not_default)


def _require_name_may_be(name: Any, plan: Plan) -> None:
    if plan.name == DEFAULT_PLAN_NAME and name not in (None, plan.name):
        raise Conflict(DEFAULT_STAYS, code="PLAN_IS_DEFAULT", details=[ErrorDetail("name", DEFAULT_STAYS)])


def _require_not_default(plan: Plan) -> None:
    if plan.name == DEFAULT_PLAN_NAME:
        raise Conflict(DEFAULT_STAYS, code="PLAN_IS_DEFAULT")

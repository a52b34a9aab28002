"""Reads plans for everyone; creates, changes and deletes them for staff."""

from collections.abc import Collection

from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import PLANS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.core.errors import Conflict, ErrorDetail, ValidationFailed
from apps.core.schemas.base import REASON
from apps.core.schemas.page import Page, PageQuery
from apps.plans.models import Plan
from apps.plans.repositories.plan_repository import PlanRepository
from apps.plans.schemas.plan import PlanCreate, PlanOut, PlanUpdate

DEFAULT_PLAN_NAME = "free"  # the plan of new accounts
DEFAULT_PLAN_MESSAGE = "This is the plan of new accounts, which is found by its name. It cannot be renamed or deleted."
RATE_LIMITS = "rate_limits"
AUDITED = ("name", "api_keys_maximum", RATE_LIMITS, "features", "prices")


class PlanIsDefault(Conflict):
    """New accounts get this plan, which is found by its name."""

    code, message = "PLAN_IS_DEFAULT", DEFAULT_PLAN_MESSAGE


class PlanService:
    """Reads plans for everyone; creates, changes and deletes them for staff with `plans:write`.

    Verification uses a plan as it is in the transaction of each batch, so a change is effective from its commit.
    """

    def __init__(self, plans: PlanRepository, audit: AuditTrail) -> None:
        self._plans = plans
        self._audit = audit

    async def id_of(self, name: str) -> int:
        """Return the id of the plan with this name; raises ValidationFailed when there is none."""
        plan = await self._plans.find_by_name(name)
        if plan is None:
            raise ValidationFailed.of("plan", "No plan has this name.")
        return plan.pk

    async def names_of(self, plan_ids: Collection[int]) -> dict[int, str]:
        """Return the names of the plans that exist, by id."""
        return await self._plans.names_of(plan_ids) if plan_ids else {}

    async def get(self, plan_id: int) -> PlanOut:
        """Return the plan; raises NotFound."""
        return PlanOut.of(await self._plans.get(plan_id))

    async def page(self, query: PageQuery) -> Page[PlanOut]:
        """Return one page of the plans."""
        rows, total = await self._plans.page(offset=query.offset, size=query.size)
        return Page[PlanOut].of(rows, total, query, PlanOut.of)

    async def create(self, actor: Principal, new: PlanCreate) -> PlanOut:
        """Create a plan; raises NotAllowed, InsufficientScopes, Conflict when the name is taken."""
        actor.require_scope(PLANS_WRITE)
        fields, actor = new.model_dump(mode="json", exclude={REASON}), actor.because(new.reason)
        columns = {name: value for name, value in fields.items() if name != RATE_LIMITS}
        async with transaction():
            plan = await self._plans.insert(columns, fields[RATE_LIMITS])
            await self._audit.record(AuditEntry(actor, "plan.created", "plan", plan.pk, after=fields))
        return PlanOut.of(plan)

    async def update(
        self, actor: Principal, plan_id: int, update: PlanUpdate, if_match: Precondition = ANY_VERSION
    ) -> PlanOut:
        """Change the plan; raises as `create` does, NotFound, PreconditionFailed, Conflict when the name must stay."""
        actor.require_scope(PLANS_WRITE)
        changes, actor = update.model_dump(mode="json", include=update.changed_fields), actor.because(update.reason)
        async with transaction():
            plan = await self._plans.lock(plan_id)
            if_match.require(PlanOut.of(plan))
            _require_allowed_name(plan, changes.get("name"))
            await self._plans.update(plan, {name: value for name, value in changes.items() if name != RATE_LIMITS})
            if RATE_LIMITS in changes:
                await self._plans.replace_rate_limits(plan, changes[RATE_LIMITS])
            changed = await self._plans.get(plan_id)
            before, after = values_of(plan, changes), values_of(changed, changes)
            await self._audit.record(AuditEntry(actor, "plan.updated", "plan", plan_id, before, after))
        return PlanOut.of(changed)

    async def delete(self, actor: Principal, plan_id: int, if_match: Precondition = ANY_VERSION) -> None:
        """Delete the plan; raises NotAllowed, InsufficientScopes, NotFound, Conflict while accounts are on it.

        Raises PreconditionFailed. The default plan cannot be deleted either.
        """
        actor.require_scope(PLANS_WRITE)
        async with transaction():
            plan = await self._plans.lock(plan_id)
            if_match.require(PlanOut.of(plan))
            if plan.name == DEFAULT_PLAN_NAME:
                raise PlanIsDefault
            await self._audit.record(AuditEntry(actor, "plan.deleted", "plan", plan_id, values_of(plan, AUDITED)))
            await self._plans.delete(plan)


def _require_allowed_name(plan: Plan, name: str | None) -> None:
    if plan.name == DEFAULT_PLAN_NAME and name not in (None, plan.name):
        raise PlanIsDefault(details=[ErrorDetail("name", DEFAULT_PLAN_MESSAGE)])

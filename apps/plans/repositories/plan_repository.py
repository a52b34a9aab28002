"""Reads and writes plans."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, JSONField, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast

from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.orm.entity_repository import existing
from apps.core.database.orm.queries import count, exists, fetch_all, fetch_one, lock_one
from apps.core.database.orm.writes import check_constraints, delete, insert_all, insert_if_free, update
from apps.core.errors import Conflict, ErrorDetail
from apps.core.rate_limits.rate_limit import RateLimit
from apps.plans.models import Plan, PlanLimit

RATE_LIMIT_FIELDS = tuple(RateLimit.model_fields)
NAME_UNIQUE = "plans_name_key"
NAME_TAKEN = ErrorDetail("name", "A plan with this name exists.")


class PlanInUse(Conflict):
    """A plan that accounts are on cannot be deleted."""

    code = "PLAN_IN_USE"
    message = "Accounts are on this plan. Move them to another plan first. Deleted accounts keep their plan."


class PlanRepository:
    """The plans' rows with their rate limits, which change only while the plan's row is locked."""

    async def get(self, plan_id: int) -> Plan:
        """Return the plan with its `rate_limits`; raises NotFound."""
        return existing(await fetch_one(_with_rate_limits(Plan.objects.filter(pk=plan_id))))

    async def find_by_name(self, name: str) -> Plan | None:
        """Return the plan with this name, or None."""
        return await fetch_one(Plan.objects.filter(name=name))

    async def names_of(self, plan_ids: Collection[int]) -> dict[int, str]:
        """Return the names of these plans, by id."""
        return {plan.pk: plan.name for plan in await fetch_all(Plan.objects.filter(pk__in=plan_ids).only("name"))}

    async def page(self, *, offset: int, size: int) -> tuple[list[Plan], int]:
        """Return one page of plans in order of id, and how many there are."""
        plans = Plan.objects.order_by("id")
        return await fetch_all(_with_rate_limits(plans)[offset : offset + size]), await count(plans)

    async def lock(self, plan_id: int) -> Plan:
        """Lock the plan and return it with its `rate_limits`. Accounts can still be moved to it. Raises NotFound."""
        existing(await lock_one(Plan.objects.filter(pk=plan_id)))
        return await self.get(plan_id)  # read after locking: a subquery would return the state before the wait

    async def insert(self, columns: Mapping[str, Any], rate_limits: Sequence[Mapping[str, Any]]) -> Plan:
        """Insert a plan; raises Conflict when its name is taken."""
        plan = Plan(**columns)
        if not await insert_if_free(plan):
            raise _name_taken()
        await self._insert_rate_limits(plan, rate_limits)
        return await self.get(plan.pk)

    async def update(self, plan: Plan, columns: Mapping[str, Any]) -> None:
        """Change columns of a locked plan; raises Conflict when its name is taken."""
        if "name" in columns and await exists(Plan.objects.filter(name=columns["name"]).exclude(pk=plan.pk)):
            raise _name_taken()
        try:
            await update(Plan.objects.filter(pk=plan.pk), **columns)
        except ConstraintViolated as error:  # a concurrent transaction has taken the name
            raise (_name_taken() if error.constraint == NAME_UNIQUE else error) from error

    async def replace_rate_limits(self, plan: Plan, rate_limits: Sequence[Mapping[str, Any]]) -> None:
        """Replace the rate limits of a locked plan."""
        await delete(PlanLimit.objects.filter(plan=plan))
        await self._insert_rate_limits(plan, rate_limits)

    async def delete(self, plan: Plan) -> None:
        """Delete a locked plan; raises Conflict when accounts are on it."""
        await delete(PlanLimit.objects.filter(plan=plan))
        await delete(Plan.objects.filter(pk=plan.pk))
        try:
            await check_constraints()
        except ConstraintViolated as error:
            raise PlanInUse from error

    async def _insert_rate_limits(self, plan: Plan, rate_limits: Sequence[Mapping[str, Any]]) -> None:
        await insert_all([PlanLimit(plan=plan, **rate_limit) for rate_limit in rate_limits])


def _with_rate_limits(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    limits = PlanLimit.objects.filter(plan=OuterRef("pk")).order_by("period_seconds", "id")
    # Django's JSONObject would query the server's version first, but the compiling connection never connects.
    pairs = [part for name in RATE_LIMIT_FIELDS for part in (Cast(Value(name), TextField()), F(name))]
    rate_limit = Func(*pairs, function="jsonb_build_object", output_field=JSONField())
    return plans.annotate(rate_limits=ArraySubquery(limits.values(rate_limit=rate_limit)))


def _name_taken() -> Conflict:
    return Conflict(NAME_TAKEN.message, details=[NAME_TAKEN])

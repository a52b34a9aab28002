"""Reads and writes plans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, connection
from django.db.models import F, Func, JSONField, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.orm.queries import count, fetch_all, fetch_one
from apps.core.database.transactions import run_in_transaction, violated_constraint
from apps.core.errors import Conflict, ErrorDetail, NotFound
from apps.plans.models import Plan, PlanLimit

# Raises when the change may not be made to this plan; called with the row locked.
Guard = Callable[[Plan], None]
RATE_LIMITS = "rate_limits"
WINDOW_FIELDS = ("name", "limit", "period_seconds")
NAME_UNIQUE = "plans_name_key"
NAME_TAKEN = ErrorDetail("name", "There is a plan of this name already.")


class PlanRepository:
    """The plans' rows with their windows, which change only while the plan's row is locked."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def find(self, plan_id: int) -> Plan | None:
        """Return the plan, or None."""
        return await fetch_one(_as_shown(Plan.objects.filter(pk=plan_id)))

    async def find_by_name(self, name: str) -> Plan | None:
        """Return the plan of that name, or None."""
        return await fetch_one(Plan.objects.filter(name=name))

    async def page(self, *, offset: int, size: int) -> tuple[list[Plan], int]:
        """Return one page of plans in order of id, and how many there are in all."""
        plans = Plan.objects.order_by("id")
        return await fetch_all(_as_shown(plans)[offset : offset + size]), await count(plans)

    async def create(self, fields: Mapping[str, Any], audit: AuditEntry) -> Plan:
        """Insert a plan; raises Conflict when its name is taken."""
        return await run_in_transaction(self._create, fields, audit)

    async def update(self, plan_id: int, changes: Mapping[str, Any], audit: AuditEntry, guard: Guard) -> Plan:
        """Change the plan; raises NotFound, Conflict when the name is taken, or what `guard` raises."""
        return await run_in_transaction(self._update, plan_id, changes, audit, guard)

    async def delete(self, plan_id: int, audit: AuditEntry, guard: Guard) -> None:
        """Delete the plan; raises NotFound, Conflict when accounts are on it, or what `guard` raises."""
        try:
            await run_in_transaction(self._delete, plan_id, audit, guard)
        except IntegrityError as error:
            # Nothing but a foreign key refuses a deletion, and these are judged at the commit.
            raise Conflict(
                "Accounts are on this plan; move them to another first. Deleted accounts keep theirs.",
                code="PLAN_IN_USE",
            ) from error

    def _create(self, fields: Mapping[str, Any], audit: AuditEntry) -> Plan:
        plan = Plan(**_columns(fields))
        _save(plan)
        _add_rate_limits(plan, fields[RATE_LIMITS])
        self._record_audit(replace(audit, target_id=plan.pk, after=fields))
        return _as_shown(Plan.objects.all()).get(pk=plan.pk)

    def _update(self, plan_id: int, changes: Mapping[str, Any], audit: AuditEntry, guard: Guard) -> Plan:
        plan = _lock(plan_id)
        guard(plan)
        before = {name: _value(plan, name) for name in changes}
        columns = _columns(changes)
        for name, value in columns.items():
            setattr(plan, name, value)
        _save(plan, update_fields=[*columns, "updated_at"])
        if RATE_LIMITS in changes:
            plan.limits.all().delete()
            _add_rate_limits(plan, changes[RATE_LIMITS])
        after = {name: _value(plan, name) for name in changes}
        self._record_audit(replace(audit, target_id=plan_id, before=before, after=after))
        return _as_shown(Plan.objects.all()).get(pk=plan_id)

    def _delete(self, plan_id: int, audit: AuditEntry, guard: Guard) -> None:
        plan = _lock(plan_id)
        guard(plan)
        names = ("name", "api_keys_maximum", RATE_LIMITS)
        self._record_audit(replace(audit, target_id=plan_id, before={name: _value(plan, name) for name in names}))
        plan.limits.all().delete()
        with connection.cursor() as cursor:
            # Django's own deletion would first read every account that is on the plan.
            cursor.execute("DELETE FROM plans WHERE id = %s", [plan_id])


def _as_shown(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    windows = PlanLimit.objects.filter(plan=OuterRef("pk")).order_by("period_seconds", "id")
    # Django's JSONObject would ask for the server's version first, on a connection that native reads do not have.
    pairs = [part for name in WINDOW_FIELDS for part in (Cast(Value(name), TextField()), F(name))]
    window = Func(*pairs, function="jsonb_build_object", output_field=JSONField())
    return plans.annotate(rate_limits=ArraySubquery(windows.values(window=window)))


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != RATE_LIMITS}


def _value(plan: Plan, name: str) -> Any:
    return list(plan.limits.values(*WINDOW_FIELDS)) if name == RATE_LIMITS else getattr(plan, name)


def _lock(plan_id: int) -> Plan:
    # Accounts may be put on the plan meanwhile: that asks only that it be there.
    plan = Plan.objects.select_for_update(no_key=True).filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan


def _add_rate_limits(plan: Plan, windows: Sequence[Mapping[str, Any]]) -> None:
    PlanLimit.objects.bulk_create(PlanLimit(plan=plan, **window) for window in windows)


def _save(plan: Plan, **options: Any) -> None:
    try:
        plan.save(**options)
    except IntegrityError as error:
        if violated_constraint(error) != NAME_UNIQUE:
            raise
        raise Conflict(NAME_TAKEN.message, details=[NAME_TAKEN]) from error

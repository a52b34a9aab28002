"""The usage of an account, for its owner and for staff."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from django.utils import timezone

from apps.api_keys.services.customer_keys import CustomerKeys
from apps.core.authorization.catalogue import CREDITS_READ, KEYS_READ
from apps.core.authorization.principal import Principal
from apps.usage.schemas.usage_export import UsageExportQuery
from apps.usage.schemas.usage_report import UsageNumbers, UsageQuery, UsageReport
from apps.usage.services.usage_exports import UsageExports
from apps.usage.services.usage_reports import UsageReports
from apps.users.services.user_service import UserService
from apps.verification.domain import caller_name_of_key, caller_name_of_user

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}
NO_COST = {"cost": None}


class UsageFile(NamedTuple):
    """A file that is made while it is sent."""

    chunks: AsyncGenerator[bytes]
    content_type: str
    name: str


class AccountUsage:
    """Checks who may read usage, and whether they may read what it cost."""

    def __init__(self, reports: UsageReports, exports: UsageExports, keys: CustomerKeys, users: UserService) -> None:
        self._reports = reports
        self._exports = exports
        self._keys = keys
        self._users = users

    async def report(self, actor: Principal, query: UsageQuery) -> UsageReport:
        """Return the usage of an account, by default the actor's own, or with `group_by=customer` of all.

        Others than one's own require the scope `keys:read`, and `credits:read` for the cost. Raises NotAllowed,
        InsufficientScopes, NotFound, ValidationFailed.
        """
        if query.group_by == "customer" and query.user_id is None:
            actor.require_scope(KEYS_READ)
            report = await self._reports.of_all(query)
            return report if actor.has_scope(CREDITS_READ) else _without_cost(report)
        user_id = actor.owner_id if query.user_id is None else query.user_id
        await self._users.require_readable(actor, user_id, KEYS_READ)
        return await self._of_customer(actor, user_id, query)

    async def of_customer(self, actor: Principal, user_id: int, query: UsageQuery) -> UsageReport:
        """Return a customer's usage, for callers that have read the account, deleted or not; raises as `report`."""
        actor.require_scope(KEYS_READ)
        return await self._of_customer(actor, user_id, query)

    async def export(self, actor: Principal, query: UsageExportQuery) -> UsageFile:
        """Return the calls of an account, by default the actor's own, as a file; raises as `report` does, Unavailable.

        The chunks are read while the file is sent.
        """
        user_id = actor.owner_id if query.user_id is None else query.user_id
        await self._users.require_readable(actor, user_id, KEYS_READ)
        return await self._file(actor, user_id, query)

    async def export_of_customer(self, actor: Principal, user_id: int, query: UsageExportQuery) -> UsageFile:
        """Return a customer's calls, for callers that have read the account, deleted or not; raises as `export`."""
        actor.require_scope(KEYS_READ)
        return await self._file(actor, user_id, query)

    async def _of_customer(self, actor: Principal, user_id: int, query: UsageQuery) -> UsageReport:
        key_ids = await self._keys.ids(user_id)
        callers = [caller_name_of_user(user_id), *map(caller_name_of_key, key_ids)]
        report = await self._reports.of_customer(user_id, key_ids, query, callers)
        return report if actor.may_read(user_id, CREDITS_READ) else _without_cost(report)

    async def _file(self, actor: Principal, user_id: int, query: UsageExportQuery) -> UsageFile:
        starts_at, ends_at = query.bounds(timezone.now())
        shows_cost = actor.may_read(user_id, CREDITS_READ)
        chunks = await self._exports.begin(query.format, user_id, starts_at, ends_at, shows_cost=shows_cost)
        name = f"usage-{user_id}-{starts_at:%Y%m%d}-{ends_at:%Y%m%d}.{query.format}"
        return UsageFile(chunks, CONTENT_TYPES[query.format], name)


def _without_cost(report: UsageReport) -> UsageReport:
    groups = [group.model_copy(update={"intervals": _blank(group.intervals), **NO_COST}) for group in report.groups]
    other = report.other and report.other.model_copy(update=NO_COST)
    total = report.total.model_copy(update=NO_COST)
    intervals = _blank(report.intervals)
    return report.model_copy(update={"total": total, "intervals": intervals, "groups": groups, "other": other})


def _blank[N: UsageNumbers](numbers: Sequence[N]) -> list[N]:
    return [each.model_copy(update=NO_COST) for each in numbers]

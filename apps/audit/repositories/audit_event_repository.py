"""Writes and reads the audit trail."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from apps.audit.models import AuditEvent
from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.queries import count, fetch_after, fetch_all, fetch_one
from apps.core.database.orm.writes import insert, insert_all
from apps.core.database.statements import execute, fetch_rows, load_statements
from apps.core.schemas.fields import BIGINT_MAXIMUM

SQL = load_statements(Path(__file__).with_name("audit_events.sql"))


class AuditEventRepository:
    """The audit trail's rows."""

    async def insert(self, event: AuditEvent) -> None:
        """Insert an event, as part of a transaction."""
        require_transaction("record an audit event")
        await insert(event)

    async def insert_all(self, events: Sequence[AuditEvent]) -> None:
        """Insert events in one statement, as part of a transaction."""
        require_transaction("record audit events")
        await insert_all(events)

    async def page(
        self, subject_id: int, without: Sequence[str], *, offset: int, size: int
    ) -> tuple[list[AuditEvent], int]:
        """Return one page of the events that concern the account, newest first, and how many there are.

        Events about targets of the kinds in `without` are left out.
        """
        found = _events_of(subject_id, without).order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def after(self, subject_id: int, without: Sequence[str], position: int, maximum: int) -> list[AuditEvent]:
        """Return up to `maximum` of the same events that follow a position, newest first."""
        return await fetch_after(_events_of(subject_id, without), position, maximum, newest_first=True)

    async def trail(self, account_id: int, position: int, maximum: int) -> list[AuditEvent]:
        """Return up to `maximum` events about or by the account that follow a position, newest first, with actors."""
        values = {"account": account_id, "position": position or BIGINT_MAXIMUM, "maximum": maximum}
        ids = [event_id for (event_id,) in await fetch_rows(SQL["trail"], values)]
        return await fetch_all(_with_actors(AuditEvent.objects.filter(pk__in=ids)).order_by("-pk"))

    async def find_end_of_access(self, account_id: int) -> AuditEvent | None:
        """Return the event that last suspended or deleted the account, with its actor, or None."""
        last = RawSQL(f"({SQL['end_of_access']})", [account_id])  # noqa: S611  a statement of its own, with a parameter
        return await fetch_one(_with_actors(AuditEvent.objects.filter(pk=last)))

    async def erase(self, account_id: int, plain: Mapping[str, Sequence[str]]) -> None:
        """Blank the values of a deleted account's events, except those of the keys that `plain` lists by kind."""
        await execute("SELECT erase_audit_events(%s::bigint, %s::jsonb)", [account_id, json.dumps(plain)])

    async def delete_attempts(self, days: int, maximum: int) -> int:
        """Delete up to `maximum` attempts of more than `days` days ago, at least 1, and return how many."""
        return int((await fetch_rows(SQL["delete_attempts"], {"days": days, "maximum": maximum}))[0][0])


def _events_of(subject_id: int, without: Sequence[str]) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(subject_id=subject_id).exclude(target_kind__in=without)


def _with_actors(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Add the e-mail address of the actor as `actor_email`, deleted accounts included."""
    actor = get_user_model()._base_manager.filter(pk=OuterRef("actor_id")).values("email")
    return events.annotate(actor_email=Subquery(actor))

"""Remembers who did what."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.schemas.security_event import SecurityEventOut
from apps.core.authorization.principal import Principal
from apps.core.database.transactions import run_in_transaction
from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, section_of
from apps.core.request_context import current_request
from apps.core.schemas.page import Page, PageQuery


class AuditService:
    """Writes audit events beside the changes they tell of, and shows people theirs."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    def record(self, entry: AuditEntry) -> None:
        """Write the entry in the transaction that is open on the calling thread: neither is without the other."""
        request = current_request()
        self._events.add(
            actor_id=entry.actor.user_id,
            actor_kind=entry.actor.kind,
            subject_id=entry.account_id,
            action=entry.action,
            outcome=entry.outcome,
            target_kind=entry.target_kind,
            target_id=entry.target_id,
            before=_plain(entry.before),
            after=_plain(entry.after),
            ip_address=request.client_address,
            user_agent=request.user_agent,
            request_id=request.request_id,
        )

    async def note(self, entry: AuditEntry) -> None:
        """Write an entry about what changed nothing, such as a refusal, in a transaction of its own."""
        await run_in_transaction(self.record, entry)

    async def export(self, user_id: int) -> Any:
        """Return the newest events that concern the account. It is an `ExportPersonalData`."""
        rows, total = await self._events.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM)
        return await section_of(SecurityEventOut.of, rows, total)

    def erase(self, user_id: int) -> None:
        """Take the personal values out of what concerns the deleted account, and from where its owner did it.

        Who did what, to what and when stays. It is an `ErasePersonalData`.
        """
        self._events.erase(user_id)

    async def events(self, actor: Principal, query: PageQuery) -> Page[SecurityEventOut]:
        """Return one page of what happened to the caller's own account; raises NotAllowed without a session."""
        actor.require_session()
        rows, total = await self._events.page(actor.owner_id, offset=query.offset, size=query.size)
        return Page[SecurityEventOut].of(rows, total, query, SecurityEventOut.of)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value

"""The personal data in the audit trail."""

from typing import Any

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.schemas.security_event import SecurityEventOut
from apps.core.declarations import EXPORT_ROWS_MAXIMUM, PersonalData, audit_kinds, internal_kinds, section_of


class AuditPersonalData(PersonalData):
    """Exports and erases the personal data in an account's events. Actor, action, target and time stay."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    async def export(self, user_id: int) -> Any:
        """Return the newest events that concern the account and that its owner may see."""
        rows, total = await self._events.page(user_id, internal_kinds(), offset=0, size=EXPORT_ROWS_MAXIMUM)
        return await section_of(SecurityEventOut.of, rows, total)

    async def erase(self, user_id: int) -> None:
        """Blank every value that is not declared plain, and the addresses and agents of the account's owner."""
        await self._events.erase(user_id, plain_values())


def plain_values() -> dict[str, list[str]]:
    """Return the fields that are kept when an account is erased, by target kind."""
    return {kind.name: sorted(kind.plain) for kind in audit_kinds().values()}

"""Giving people what is kept of them (GDPR, articles 15 and 20)."""

from collections.abc import Awaitable, Callable, Sequence

from django.utils import timezone

from apps.audit.domain.audit_entry import AuditEntry, NoteAudit
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.declarations.old_personal_data import ExportSection
from apps.personal_data.schemas.data_export import DataExportOut
from apps.users.services.user_service import UserService

# Counts an export of the account's that is allowed; raises TooManyRequests.
CountExport = Callable[[int], Awaitable[None]]


async def uncounted(_user_id: int) -> None:
    """Allow any number."""


class DataExport:
    """Gathers an account's data from all rooms, as one JSON document; `DataExportOut` says what is in it."""

    def __init__(self, users: UserService, sections: Sequence[ExportSection], note: NoteAudit) -> None:
        self._users = users
        self._sections = tuple(sections)
        self._note = note

    async def own(self, actor: Principal, count: CountExport) -> bytes:
        """Return what is kept of the caller; raises StepUpRequired, NotAllowed for an API key, and as `count` does."""
        actor.require_recent_authentication()
        return await self._of(actor, actor.owner_id, count)

    async def of_customer(self, actor: Principal, user_id: int, count: CountExport) -> bytes:
        """Return what is kept of somebody else, for staff, who hand it on.

        Of oneself it asks for what `own` does. Raises NotAllowed, NotFound, and as `count` does.
        """
        actor.require_staff()
        if user_id == actor.user_id:
            actor.require_recent_authentication()
        await self._users.require_changeable(actor, user_id)
        return await self._of(actor, user_id, count)

    async def _of(self, actor: Principal, user_id: int, count: CountExport) -> bytes:
        await count(user_id)
        account = await self._users.get(actor, user_id)
        data = {section.name: await section.export(user_id) for section in self._sections}
        export = DataExportOut(exported_at=timezone.now(), account=account, data=data)
        document = await run_in_hashing_thread(_document, export)
        await self._note(AuditEntry(actor, "user.exported", "user", user_id))
        return document


def _document(export: DataExportOut) -> bytes:
    return export.model_dump_json().encode()

"""Internal notes about accounts, of staff for staff."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import CUSTOMERS_NOTE, CUSTOMERS_READ, CUSTOMERS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.core.schemas.page import START, CursorPage, CursorQuery, Page, PageQuery
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.users.models import AccountNote
from apps.users.repositories.account_note_repository import AccountNoteRepository
from apps.users.schemas.account_note import NoteCreate, NoteOut
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService

KIND = "account_note"


class NoteService:
    """Adds, lists and deletes notes. Owners see neither the notes about their accounts nor the events about these."""

    def __init__(
        self,
        notes: AccountNoteRepository,
        users: UserService,
        accounts: Accounts,
        responses: IdempotentResponses,
        audit: AuditTrail,
    ) -> None:
        self._notes = notes
        self._users = users
        self._accounts = accounts
        self._responses = responses
        self._audit = audit

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[NoteOut]:
        """Return one page of the notes about an account, newest first; raises NotAllowed, InsufficientScopes, NotFound.

        Those about a deleted account can be read until it is erased.
        """
        await self._users.overview(actor, user_id)
        rows, total = await self._notes.newest_page(user_id, offset=query.offset, size=query.size)
        return Page[NoteOut].of(rows, total, query, NoteOut.of)

    async def after(self, actor: Principal, user_id: int, query: CursorQuery) -> CursorPage[NoteOut]:
        """Return the part of these notes at the cursor; raises as `page` does."""
        await self._users.overview(actor, user_id)
        return await self.part(actor, user_id, query)

    async def part(self, actor: Principal, user_id: int, query: CursorQuery) -> CursorPage[NoteOut]:
        """Return the part at the cursor, for callers that have read the account; raises as `page` does."""
        actor.require_scope(CUSTOMERS_READ)
        rows = await self._notes.after(user_id, query.cursor or START, query.size + 1)
        return CursorPage[NoteOut].of(rows, query, NoteOut.of)

    async def add(self, actor: Principal, user_id: int, new: NoteCreate, idempotency_key: str | None = None) -> NoteOut:
        """Add a note; raises NotAllowed, InsufficientScopes, NotFound, and as `IdempotentResponses.find` does."""
        actor.require_scope(CUSTOMERS_NOTE)
        request = IdempotentRequest.of(actor, idempotency_key, "add note", user_id, new.text)
        async with transaction():
            first = await self._responses.find(request)
            if first is not None:
                return NoteOut.model_validate_json(first)
            await self._accounts.lock(user_id)
            note = await self._notes.insert(AccountNote(user_id=user_id, author_id=actor.user_id, text=new.text))
            await self._audit.record(AuditEntry(actor, "account_note.added", KIND, note.pk, subject_id=user_id))
            added = NoteOut.of(note)
            await self._responses.store(request, added.model_dump_json().encode())
        return added

    async def delete(self, actor: Principal, user_id: int, note_id: int) -> None:
        """Delete a note: one's own, or with `customers:write` any. The audit trail keeps its text until the erasure.

        Raises NotAllowed, InsufficientScopes, NotFound.
        """
        actor.require_scope(CUSTOMERS_READ)
        async with transaction():
            await self._accounts.lock(user_id)
            note = await self._notes.lock(note_id)
            if note.user_id != user_id:
                raise NotFound
            actor.require_scope(CUSTOMERS_NOTE if note.author_id == actor.user_id else CUSTOMERS_WRITE)
            before = {"text": note.text, "author_id": note.author_id}
            await self._audit.record(
                AuditEntry(actor, "account_note.deleted", KIND, note_id, before, subject_id=user_id)
            )
            await self._notes.delete(note)

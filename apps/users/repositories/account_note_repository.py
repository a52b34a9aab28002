"""Reads, inserts and deletes notes about accounts."""

from typing import override

from django.db.models import OuterRef, QuerySet, Subquery

from apps.core.database.orm.entity_repository import OwnedRepository
from apps.core.database.orm.queries import fetch_after
from apps.users.models import AccountNote, User


class AccountNoteRepository(OwnedRepository[AccountNote]):
    """The notes' rows, with the address of their author as `author_email`. Lock the account before a note."""

    model = AccountNote

    @override
    def rows(self) -> QuerySet[AccountNote]:
        """Return the notes with their authors, deleted accounts included."""
        author = User.objects.filter(pk=OuterRef("author_id")).values("email")
        return AccountNote.objects.annotate(author_email=Subquery(author)).order_by()

    async def newest_page(self, user_id: int, *, offset: int, size: int) -> tuple[list[AccountNote], int]:
        """Return one page of the notes about the account, newest first, and how many there are."""
        return await self._newest_of.page(offset, size, user_id)

    async def after(self, user_id: int, position: int, maximum: int) -> list[AccountNote]:
        """Return up to `maximum` of the notes about the account that follow a position, newest first."""
        return await fetch_after(self.rows().filter(user_id=user_id), position, maximum, newest_first=True)

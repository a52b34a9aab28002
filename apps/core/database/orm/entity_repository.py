"""Base classes of repositories, which read, lock and write single rows of one model.

    class ProjectRepository(OwnedRepository[Project]):
        model = Project

`get` and `lock` raise NotFound for a row that does not exist; `find_…` methods return None. Rules, rights and the audit
trail belong to the service, not to the repository.
"""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet

from apps.core.database.orm.queries import count, fetch_all, fetch_one, lock_one
from apps.core.database.orm.writes import delete, insert, update
from apps.core.errors import NotFound


class EntityRepository[M: Model]:
    """The rows of `model`. Override `rows` to exclude deleted rows or to add annotations."""

    model: ClassVar[type[Any]]

    def rows(self) -> QuerySet[M]:
        """Return the visible rows, with the annotations that callers need."""
        rows: QuerySet[M] = self.model._base_manager.all()
        return rows

    async def get(self, row_id: int) -> M:
        """Return the row. Raises NotFound."""
        return _existing(await fetch_one(self.rows().filter(pk=row_id)))

    async def lock(self, row_id: int) -> M:
        """Lock the row and return it. Raises NotFound. Lock the row's owner first."""
        return _existing(await lock_one(self.rows().filter(pk=row_id)))

    async def insert(self, row: M) -> M:
        """Insert the row and return it as `get` does. Raises ConstraintViolated."""
        return await self.get((await insert(row)).pk)

    async def update(self, row: M, **changes: Any) -> M:
        """Update columns of a locked row and return it as `get` does. Raises ConstraintViolated."""
        await update(self.model._base_manager.filter(pk=row.pk), **changes)
        return _existing(await fetch_one(self.rows().filter(pk=row.pk)))

    async def delete(self, row: M) -> None:
        """Delete a locked row."""
        await delete(self.model._base_manager.filter(pk=row.pk))


class OwnedRepository[M: Model](EntityRepository[M]):
    """The rows of a model that belong to an account, by the foreign key `user`."""

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[M], int]:
        """Return a page of the account's rows in order of id, and their total number."""
        found = self.rows().filter(user_id=user_id).order_by("pk")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def delete_all(self, user_id: int) -> int:
        """Delete all rows of the account, and return their number."""
        return await delete(self.model._base_manager.filter(user_id=user_id))


def _existing[M: Model](row: M | None) -> M:
    if row is None:
        raise NotFound
    return row

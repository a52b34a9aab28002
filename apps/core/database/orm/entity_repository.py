"""Base classes of repositories, which read, lock and write single rows of one model.

    class ProjectRepository(OwnedRepository[Project]):
        model = Project

`get` and `lock` raise NotFound for a row that does not exist; `find_…` methods return None. Rules, rights and the audit
trail belong to the service, not to the repository.
"""

from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils.text import camel_case_to_spaces

from apps.core.database.orm.prepared_query import PreparedQuery, prepared
from apps.core.database.orm.writes import delete, insert, update
from apps.core.errors import NotFound


class EntityRepository[M: Model]:
    """The rows of `model`. Override `rows` to exclude deleted rows or to add annotations."""

    model: ClassVar[type[Any]]

    @property
    def kind(self) -> str:
        """The name of the entity in the audit trail, such as `api_key` for ApiKey."""
        return camel_case_to_spaces(self.model.__name__).replace(" ", "_")

    def rows(self) -> QuerySet[M]:
        """Return the visible rows, with the annotations that callers need. It is called once, and its SQL is cached."""
        rows: QuerySet[M] = self.model._base_manager.all()
        return rows

    async def get(self, row_id: int) -> M:
        """Return the row. Raises NotFound."""
        return existing(await self._row.first(row_id))

    async def lock(self, row_id: int) -> M:
        """Lock the row and return it. Raises NotFound. Lock the row's owner first.

        Annotations that read other rows may be from before the wait for the lock. Where a rule depends on one, `get`
        the row again.
        """
        return existing(await self._row.lock(row_id))

    async def insert(self, row: M) -> M:
        """Insert the row and return it as `get` does. Raises ConstraintViolated."""
        return await self.get((await insert(row)).pk)

    async def update(self, row: M, **changes: Any) -> M:
        """Update columns of a locked row and return it as `get` does. Raises ConstraintViolated."""
        await update(self.model._base_manager.filter(pk=row.pk), **changes)
        return await self.get(row.pk)

    async def delete(self, row: M) -> None:
        """Delete a locked row."""
        await delete(self.model._base_manager.filter(pk=row.pk))

    @cached_property
    def _row(self) -> PreparedQuery[..., M]:
        def row(row_id: int) -> QuerySet[M]:
            return self.rows().filter(pk=row_id)

        return prepared(row)


class OwnedRepository[M: Model](EntityRepository[M]):
    """The rows of a model that belong to an account, by the foreign key `user`."""

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[M], int]:
        """Return a page of the account's rows in order of id, and their total number."""
        return await self._rows_of.page(offset, size, user_id)

    async def newest(self, user_id: int, maximum: int) -> tuple[list[M], int]:
        """Return up to `maximum` of the account's newest rows, the newest first, and the total number of rows."""
        return await self._newest_of.page(0, maximum, user_id)

    async def delete_all(self, user_id: int) -> int:
        """Delete all rows of the account, and return their number."""
        return await delete(self.model._base_manager.filter(user_id=user_id))

    @cached_property
    def _rows_of(self) -> PreparedQuery[..., M]:
        def rows_of(user_id: int) -> QuerySet[M]:
            return self.rows().filter(user_id=user_id).order_by("pk")

        return prepared(rows_of)

    @cached_property
    def _newest_of(self) -> PreparedQuery[..., M]:
        def newest_of(user_id: int) -> QuerySet[M]:
            return self.rows().filter(user_id=user_id).order_by("-pk")

        return prepared(newest_of)


def existing[M: Model](row: M | None) -> M:
    """Return the row. Raises NotFound when it is None."""
    if row is None:
        raise NotFound
    return row

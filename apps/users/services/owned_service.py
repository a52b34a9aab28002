"""The base of services for entities that belong to an account: rights, locks and the audit trail.

    class ProjectService(OwnedService[Project, ProjectOut]):
        out = ProjectOut
        own_writes = PROJECTS_WRITE
        recorded_fields = ("name",)

        async def create(self, actor: Principal, user_id: int, new: ProjectCreate) -> ProjectOut:
            async with transaction():
                await self.lock_owner(actor, user_id)
                project = await self.rows.insert(Project(user_id=user_id, **new.model_dump()))
                await self.record(actor, "created", project, after=new.model_dump())
            return ProjectOut.of(project)

        async def rename(self, actor: Principal, project_id: int, name: str) -> ProjectOut:
            async with transaction():
                project = await self.lock(actor, project_id)
                renamed = await self.rows.update(project, name=name)
                await self.record_change(actor, "renamed", project, renamed, ["name"])
            return ProjectOut.of(renamed)

`get`, `page` and `delete` are inherited. The subclass contains the rules and opens the transactions; methods named
`lock…` or `record…` join them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import ACCOUNT_READ, ACCOUNT_WRITE, CUSTOMERS_READ, CUSTOMERS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.orm.entity_repository import OwnedRepository
from apps.core.database.transaction import transaction
from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService

NOTHING: Mapping[str, Any] = {}


class OwnedService[M, Out: ResponseSchema]:
    """Manages the rows of accounts, for their owners and for staff.

    `out` is the schema that is returned. `own_reads` and `own_writes` are the scopes that an API key needs for its
    owner's rows, `reads` and `writes` those that staff need for the rows of others. `recorded_fields` are the fields of
    a deleted row that the audit trail keeps.
    """

    out: type[Out]
    own_reads: ClassVar[str] = ACCOUNT_READ
    own_writes: ClassVar[str] = ACCOUNT_WRITE
    reads: ClassVar[str] = CUSTOMERS_READ
    writes: ClassVar[str] = CUSTOMERS_WRITE
    recorded_fields: ClassVar[Sequence[str]] = ()

    def __init__(self, rows: OwnedRepository[Any], users: UserService, accounts: Accounts, audit: AuditTrail) -> None:
        self.rows = rows
        self.users = users
        self.accounts = accounts
        self.audit = audit

    async def get(self, actor: Principal, row_id: int) -> Out:
        """Return the row; raises NotFound, NotAllowed for another account's."""
        return self._out_of(await self.read(actor, row_id))

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[Out]:
        """Return one page of the account's rows; raises NotAllowed, NotFound for the account."""
        rows, total = await self.read_page(actor, user_id, offset=query.offset, size=query.size)
        return Page[self.out].of(rows, total, query, self._out_of)  # type: ignore[name-defined]  # built at run time

    async def delete(self, actor: Principal, row_id: int, if_match: Precondition = ANY_VERSION) -> None:
        """Delete the row; raises NotFound, NotAllowed, InsufficientScopes, PreconditionFailed."""
        async with transaction():
            row = await self.lock(actor, row_id)
            await self.require_version(row, if_match)
            await self.record(actor, "deleted", row, before=values_of(row, self.recorded_fields))
            await self.rows.delete(row)

    async def read(self, actor: Principal, row_id: int) -> M:
        """Return the row; raises NotFound, NotAllowed for another account's."""
        row: Any = await self.rows.get(row_id)
        actor.require_reading(row.user_id, self.reads, self.own_reads)
        found: M = row
        return found

    async def read_page(self, actor: Principal, user_id: int, *, offset: int, size: int) -> tuple[list[M], int]:
        """Return one page of the account's rows and how many there are; raises NotAllowed, NotFound for the account."""
        await self.users.require_readable(actor, user_id, self.reads, self.own_reads)
        return await self.rows.page(user_id, offset=offset, size=size)

    async def lock_owner(self, actor: Principal, user_id: int) -> None:
        """Lock the account that a new row will belong to.

        Raises NotFound, NotAllowed or InsufficientScopes unless the actor may change what belongs to it.
        """
        await self.accounts.lock_for(actor, user_id, self.writes, self.own_writes)

    async def lock(self, actor: Principal, row_id: int) -> M:
        """Lock the row, after its account, and return it; raises as `lock_owner` does, and NotFound for the row."""
        await self.lock_owner(actor, (await self.rows.get(row_id)).user_id)
        row: M = await self.rows.lock(row_id)
        return row

    async def require_version(self, row: M, if_match: Precondition) -> None:
        """Raise PreconditionFailed unless the locked row has one of the versions; `out` must be a VersionedOut."""
        if if_match.is_conditional:
            if_match.require(cast("Any", await self.shown(row)))

    async def shown(self, row: M) -> Out:
        """Return the public representation of the row."""
        return self._out_of(row)

    async def record(
        self,
        actor: Principal,
        action: str,
        row: Any,
        before: Mapping[str, Any] = NOTHING,
        after: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Record `<entity>.<action>` as an event that concerns the row's owner, who may read it."""
        kind = self.rows.kind
        entry = AuditEntry(actor, f"{kind}.{action}", kind, row.pk, before, after, subject_id=row.user_id)
        await self.audit.record(entry)

    async def record_change(self, actor: Principal, action: str, row: Any, changed: Any, names: Iterable[str]) -> None:
        """Record `<entity>.<action>` with the values of the fields `names` of the row before and after the change."""
        fields = list(names)
        await self.record(actor, action, row, values_of(row, fields), values_of(changed, fields))

    def _out_of(self, row: M) -> Out:
        shown: Out = cast("Any", self.out).of(row)
        return shown

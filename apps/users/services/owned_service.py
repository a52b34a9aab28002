"""The base of services for entities that belong to an account: rights, locks and the audit trail.

    class ProjectService(OwnedService[Project]):
        kind = "project"
        own_writes = PROJECTS_WRITE

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

Rules stay with the subclass, and so does the transaction: what is called `lock…` or `record…` joins it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import ACCOUNT_READ, ACCOUNT_WRITE, CUSTOMERS_READ, CUSTOMERS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.orm.entity_repository import OwnedRepository
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService

NOTHING: Mapping[str, Any] = {}


class OwnedService[M]:
    """`kind` is the entity's name in the audit trail.

    `own_reads` and `own_writes` are the scopes that an API key needs for its owner's rows; `reads` and `writes` those
    that staff need for the rows of others.
    """

    kind: ClassVar[str]
    own_reads: ClassVar[str] = ACCOUNT_READ
    own_writes: ClassVar[str] = ACCOUNT_WRITE
    reads: ClassVar[str] = CUSTOMERS_READ
    writes: ClassVar[str] = CUSTOMERS_WRITE

    def __init__(self, rows: OwnedRepository[Any], users: UserService, accounts: Accounts, audit: AuditTrail) -> None:
        self.rows = rows
        self.users = users
        self.accounts = accounts
        self.audit = audit

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
        """Lock the account that a new row shall belong to.

        Raises NotFound, NotAllowed or InsufficientScopes unless the actor may change what belongs to it.
        """
        await self.accounts.lock_for(actor, user_id, self.writes, self.own_writes)

    async def lock(self, actor: Principal, row_id: int) -> M:
        """Lock the row, after its account, and return it; raises as `lock_owner` does, and NotFound for the row."""
        await self.lock_owner(actor, (await self.rows.get(row_id)).user_id)
        row: M = await self.rows.lock(row_id)
        return row

    async def record(
        self,
        actor: Principal,
        action: str,
        row: Any,
        before: Mapping[str, Any] = NOTHING,
        after: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Record `<kind>.<action>`. It concerns the row's owner, who may read it, also where the actor is another."""
        entry = AuditEntry(actor, f"{self.kind}.{action}", self.kind, row.pk, before, after, subject_id=row.user_id)
        await self.audit.record(entry)

    async def record_change(self, actor: Principal, action: str, row: Any, changed: Any, names: Iterable[str]) -> None:
        """Record `<kind>.<action>` with the values of the fields `names` of the row before and after the change."""
        fields = list(names)
        await self.record(actor, action, row, values_of(row, fields), values_of(changed, fields))

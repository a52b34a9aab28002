"""Exports the personal data of an account (GDPR, articles 15 and 20)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils import timezone

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import AUDIT_READ, CREDITS_READ, CUSTOMERS_READ, KEYS_READ, SECURITY_READ
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.transaction import transaction
from apps.core.declarations import PersonalData, PersonalDataDeclaration
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.personal_data.schemas.data_export import DataExportOut
from apps.users.services.user_service import UserService

# An export contains what each of these allows to read.
EXPORT_SCOPES = (CUSTOMERS_READ, KEYS_READ, CREDITS_READ, SECURITY_READ, AUDIT_READ)

OPERATION, RECORDED = "export", b"recorded"


@dataclass(frozen=True, slots=True)
class AllowedExport:
    """An export that the actor may make. Only `DataExport` creates these; routers count them before the export runs."""

    actor: Principal
    user_id: int


class DataExport:
    """Exports an account's personal data from all apps as one JSON document; see `DataExportOut`."""

    def __init__(
        self,
        users: UserService,
        sections: Mapping[str, PersonalData],
        audit: AuditTrail,
        responses: IdempotentResponses,
    ) -> None:
        self._users = users
        self._sections = dict(sections)
        self._audit = audit
        self._responses = responses

    def allow_own(self, actor: Principal) -> AllowedExport:
        """Allow the export of the caller's own data; raises StepUpRequired, NotAllowed for an API key."""
        actor.require_recent_authentication()
        return AllowedExport(actor, actor.owner_id)

    async def allow(self, actor: Principal, user_id: int) -> AllowedExport:
        """Allow staff the export of an account's data for its owner.

        Their own needs a recently authenticated session. Raises NotAllowed, InsufficientScopes, StepUpRequired,
        NotFound.
        """
        for scope in EXPORT_SCOPES:
            actor.require_scope(scope)
        if user_id == actor.user_id:
            actor.require_recent_authentication()
        await self._users.require_changeable(actor, user_id, CUSTOMERS_READ)
        return AllowedExport(actor, user_id)

    async def document(self, export: AllowedExport, idempotency_key: str | None = None) -> bytes:
        """Return the account's data as JSON, and record the export, once for an idempotency key.

        Raises NotFound, and IdempotencyKeyInUse while another export with the key is recorded.
        """
        account = await self._users.get(export.actor, export.user_id)
        data = {name: await section.export(export.user_id) for name, section in self._sections.items()}
        content = DataExportOut(exported_at=timezone.now(), account=account, data=data)
        document = await run_in_hashing_thread(_encoded, content)
        request = IdempotentRequest.of(export.actor, idempotency_key, OPERATION, export.user_id)
        async with transaction():
            if await self._responses.find(request) is None:
                await self._audit.record(AuditEntry(export.actor, "user.exported", "user", export.user_id))
                await self._responses.store(request, RECORDED)
        return document


def sections_of(declarations: Iterable[PersonalDataDeclaration]) -> dict[str, PersonalData]:
    """Return the services that export each declared section, in the order of the declarations."""
    return {declared.section: declared.service() for declared in declarations if declared.section}


def _encoded(export: DataExportOut) -> bytes:
    return f"{export.model_dump_json()}\n".encode()

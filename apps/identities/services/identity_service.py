"""Lists and unlinks the identities of an account."""

from django.contrib.auth.hashers import is_password_usable

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import SECURITY_READ, SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict
from apps.core.schemas.page import Page, PageQuery
from apps.identities.models import Identity
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.schemas.identity import IdentityOut
from apps.identities.services.account_linking import TARGET_KIND
from apps.identities.services.provider_clients import Providers
from apps.second_factors.services.factor_rights import FactorRights
from apps.users.services.credentials import Credentials
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier
from apps.users.services.user_service import UserService


class LastWayIn(Conflict):
    """The account would have no way to sign in without this identity."""

    code = "LAST_WAY_IN"
    message = "This is the only way to sign in to the account. Set a password or link another identity first."


class IdentityService:
    """Lists identities and unlinks them."""

    def __init__(
        self,
        identities: IdentityRepository,
        users: UserService,
        accounts: Accounts,
        providers: Providers,
        rights: FactorRights,
        *,
        audit: AuditTrail,
        notifier: SecurityNotifier,
    ) -> None:
        self._identities = identities
        self._users = users
        self._accounts = accounts
        self._providers = providers
        self._rights = rights
        self._audit = audit
        self._notifier = notifier

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[IdentityOut]:
        """Return one page of the account's identities; raises NotAllowed, InsufficientScopes, NotFound."""
        await self._users.require_readable(actor, user_id, SECURITY_READ)
        rows, total = await self._identities.page(user_id, offset=query.offset, size=query.size)
        return Page[IdentityOut].of(rows, total, query, IdentityOut.of)

    async def of_customer(self, actor: Principal, user_id: int) -> list[IdentityOut]:
        """Return an account's identities, for callers that have read it; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(SECURITY_READ)
        return [IdentityOut.of(identity) for identity in await self._identities.all_of(user_id)]

    async def unlink_own(self, actor: Principal, identity_id: int) -> None:
        """Unlink one of the caller's identities.

        Raises NotFound, LastWayIn, and as `FactorRights.require_recent_authentication` does.
        """
        await self._rights.require_recent_authentication(actor)
        async with transaction():
            await self._unlink(actor, await self._accounts.lock(actor.owner_id), identity_id)

    async def unlink(self, actor: Principal, user_id: int, identity_id: int) -> None:
        """Unlink a customer's identity, for staff; raises NotAllowed, InsufficientScopes, NotFound, LastWayIn."""
        actor.require_scope(SECURITY_WRITE)
        if user_id == actor.user_id:
            await self._rights.require_recent_authentication(actor)
        async with transaction():
            account = await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            await self._unlink(actor, account, identity_id)

    async def unlink_as_staff(self, actor: Principal, identity_id: int) -> None:
        """Unlink an identity of whichever account has it, for staff; raises as `unlink` does."""
        actor.require_scope(SECURITY_WRITE)
        await self.unlink(actor, (await self._identities.get(identity_id)).user_id, identity_id)

    async def _unlink(self, actor: Principal, account: Credentials, identity_id: int) -> None:
        identity = await self._identities.lock_own(account.user_id, identity_id)
        if not is_password_usable(account.password_hash):
            await self._require_another(identity)
        await self._identities.delete(identity)
        before = {"provider": identity.provider, "email": identity.email}
        entry = AuditEntry(
            actor, "identity.unlinked", TARGET_KIND, identity_id, before=before, subject_id=account.user_id
        )
        await self._audit.record(entry)
        await self._notifier.notify(account.user_id, SecurityNotice.IDENTITY_UNLINKED, str(identity_id), actor)

    async def _require_another(self, identity: Identity) -> None:
        others = [other for other in await self._identities.all_of(identity.user_id) if other.pk != identity.pk]
        if not any(self._providers.is_configured(other.provider, other.issuer) for other in others):
            raise LastWayIn

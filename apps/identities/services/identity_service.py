"""The identities of an account: seeing them, and unlinking."""

from django.contrib.auth.hashers import is_password_usable

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.principal import Principal
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import Conflict
from apps.core.schemas.page import Page, PageQuery
from apps.identities.models import Identity
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.schemas.identity import IdentityOut
from apps.identities.services.account_linking import TARGET_KIND
from apps.identities.services.providers import Providers
from apps.second_factors.services.factor_rights import FactorRights
from apps.users.domain.security_notice import PostNotice, SecurityNotice
from apps.users.services.user_service import UserService


class LastWayIn(Conflict):
    """Without it nobody could sign in to the account."""

    code = "LAST_WAY_IN"
    message = "This is the only way of signing in to the account; set a password first, or link another."


class IdentityService:
    """Shows identities and unlinks them. Lock order: the account before its identities."""

    def __init__(
        self,
        identities: IdentityRepository,
        users: UserService,
        providers: Providers,
        rights: FactorRights,
        post_notice: PostNotice,
        record_audit: RecordAudit,
    ) -> None:
        self._identities = identities
        self._users = users
        self._providers = providers
        self._rights = rights
        self._post_notice = post_notice
        self._record_audit = record_audit

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[IdentityOut]:
        """Return one page of the account's identities; raises NotAllowed for another's, NotFound."""
        await self._users.require(actor, user_id)
        rows, total = await self._identities.page(user_id, offset=query.offset, size=query.size)
        return Page[IdentityOut].of(rows, total, query, IdentityOut.of)

    async def unlink_own(self, actor: Principal, identity_id: int) -> None:
        """Unlink one of the caller's; raises NotFound, LastWayIn, and as `FactorRights` does."""
        await self._rights.require_recent_authentication(actor)
        await run_in_transaction(self._unlink, actor, actor.owner_id, identity_id)

    async def unlink(self, actor: Principal, user_id: int, identity_id: int) -> None:
        """Unlink a customer's, for staff; raises NotAllowed, NotFound, LastWayIn."""
        actor.require_staff()
        await self._users.require_changeable(actor, user_id)
        await run_in_transaction(self._unlink, actor, user_id, identity_id)

    async def unlink_as_staff(self, actor: Principal, identity_id: int) -> None:
        """Unlink it from whosever account it is of, for staff; raises as `unlink`."""
        actor.require_staff()
        await self.unlink(actor, await self._identities.owner_of(identity_id), identity_id)

    def _unlink(self, actor: Principal, user_id: int, identity_id: int) -> None:
        account = self._users.lock_credentials(user_id)
        identity = self._identities.get(user_id, identity_id)
        if not is_password_usable(account.password_hash):
            self._require_another(identity)
        self._identities.remove(identity)
        before = {"provider": identity.provider, "email": identity.email}
        entry = AuditEntry(actor, "identity.unlinked", TARGET_KIND, identity_id, before=before, subject_id=user_id)
        self._record_audit(entry)
        self._post_notice(user_id, SecurityNotice.IDENTITY_UNLINKED, str(identity_id), actor)

    def _require_another(self, identity: Identity) -> None:
        others = [other for other in self._identities.all_of(identity.user_id) if other.pk != identity.pk]
        if not any(self._providers.is_configured(other.provider, other.issuer) for other in others):
            raise LastWayIn

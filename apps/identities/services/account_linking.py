"""Finds the account that a user of another provider signs in to, creates it, or links an identity to it."""

from collections.abc import Awaitable, Callable
from functools import partial

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import ANONYMOUS, Principal, owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, EmailNotVerified, NotAllowed, NotAuthenticated, NotFound
from apps.identities.domain.provider import Profile
from apps.identities.models import Identity
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.users.services.credentials import Credentials, is_of_staff
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.federated_registration import FederatedRegistration
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

ATTEMPTS_MAXIMUM = 5
TARGET_KIND = "identity"


class ProviderEmailUnverified(NotAllowed):
    """The provider has not verified an address by which to find or create an account."""

    code = "PROVIDER_EMAIL_UNVERIFIED"
    message = "The provider has not verified your e-mail address. Sign in another way, then link the provider."


class AccountEmailUnverified(NotAllowed):
    """The address of the account was never verified, so the account may belong to another person."""

    code = "ACCOUNT_EMAIL_UNVERIFIED"
    message = "The e-mail address of this account is not verified. Reset the account's password by mail first."

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        super().__init__()


class StaffNotLinked(NotAllowed):
    """The account is of staff, and its owner has not linked the identity from a session."""

    code = "STAFF_IDENTITY_NOT_LINKED"
    message = "Members of staff link a provider themselves. Sign in with your password, then link the provider."

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        super().__init__()


class AccountUnusable(NotAuthenticated):
    """The account may not be used. The response does not reveal that the account exists."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        super().__init__()


class IdentityTaken(Conflict):
    """The identity belongs to another account."""

    code, message = "IDENTITY_TAKEN", "This identity is linked to another account. Unlink it there first."


class AccountLinking:
    """Finds, links and creates accounts. Locks a deleted account before the other one.

    Concurrent sign-ins of one user lead to one account: the second conflicts with what the first has committed, and
    is retried.
    """

    def __init__(
        self,
        identities: IdentityRepository,
        accounts: Accounts,
        registration: FederatedRegistration,
        audit: AuditTrail,
        notifier: SecurityNotifier,
    ) -> None:
        self._identities = identities
        self._accounts = accounts
        self._registration = registration
        self._audit = audit
        self._notifier = notifier

    async def account_of(self, profile: Profile) -> int:
        """Return the account's id. At the first sign-in, find the account by a verified address, or create it.

        A deleted account is ignored: its former owner gets a new one.

        Raises AccountUnusable, ProviderEmailUnverified, AccountEmailUnverified, StaffNotLinked, and as
        `FederatedRegistration.register` does.
        """
        try:
            return await _retrying_conflicts(partial(self._find_or_link, profile))
        except (AccountEmailUnverified, AccountUnusable, StaffNotLinked) as refusal:
            await self._record_refusal(refusal.user_id, profile, refusal.code)
            raise

    async def link(self, actor: Principal, profile: Profile) -> Identity:
        """Link the identity to the caller's account. One that a sign-in has linked to it counts as the owner's then.

        Raises IdentityTaken when it belongs to another account, EmailNotVerified unless the account's address is
        verified.
        """
        return await _retrying_conflicts(partial(self._link_own, actor, profile))

    async def _find_or_link(self, profile: Profile) -> int:
        async with transaction():
            await self._take_from_deleted(profile)
            identity = await self._identities.find(profile)
            if identity is not None:
                return await self._owner_of(identity, profile)
            if not profile.is_verified:
                raise ProviderEmailUnverified
            user_id, is_new = await self._account_of_address(profile)
            identity = await self._add(owner_of(user_id), profile, linked_by_owner=False)
            await self._identities.record_use(identity, profile.email)
            if not is_new:
                await self._notifier.notify(user_id, SecurityNotice.IDENTITY_LINKED, str(identity.pk))
        return user_id

    async def _owner_of(self, identity: Identity, profile: Profile) -> int:
        account = await self._lock(identity.user_id)
        # Also for an account that became one of staff after a sign-in had linked the identity.
        if is_of_staff(account) and not identity.linked_by_owner:
            raise StaffNotLinked(account.user_id)
        if not await self._identities.record_use(identity, profile.email):
            raise Conflict  # unlinked since it was found
        return identity.user_id

    async def _link_own(self, actor: Principal, profile: Profile) -> Identity:
        async with transaction():
            await self._take_from_deleted(profile)
            # Otherwise a person who created the account with another's address could still sign in after the owner of
            # the address resets the password.
            if not (await self._lock(actor.owner_id)).is_verified:
                raise EmailNotVerified
            identity = await self._identities.find(profile)
            if identity is None:
                identity = await self._add(actor, profile, linked_by_owner=True)
                await self._notifier.notify(identity.user_id, SecurityNotice.IDENTITY_LINKED, str(identity.pk))
            if identity.user_id != actor.owner_id:
                raise IdentityTaken
            if not identity.linked_by_owner:
                await self._identities.record_owners_link(identity)
                await self._record_link(actor, identity)
        return identity

    async def _account_of_address(self, profile: Profile) -> tuple[int, bool]:
        """Find or create the account with the profile's address; return its id, locked, and whether it is new."""
        account = await self._accounts.lock_by_email(profile.email)
        if account is None:
            return await self._registration.register(profile.email, profile.full_name), True
        if not account.is_usable:
            raise AccountUnusable(account.user_id)
        if is_of_staff(account):
            raise StaffNotLinked(account.user_id)
        if not account.is_verified:
            raise AccountEmailUnverified(account.user_id)
        return account.user_id, False

    async def _take_from_deleted(self, profile: Profile) -> None:
        """Delete the identity from a deleted account, which keeps its identities in case it is restored."""
        left = await self._identities.find_and_lock_deleted_owner(profile)
        if left is not None and await self._identities.delete_if_exists(left):
            before = {"provider": left.provider, "email": left.email}
            entry = AuditEntry(ANONYMOUS, "identity.left", TARGET_KIND, left.pk, before=before, subject_id=left.user_id)
            await self._audit.record(entry)

    async def _add(self, owner: Principal, profile: Profile, *, linked_by_owner: bool) -> Identity:
        identity = await self._identities.add(owner.owner_id, profile, linked_by_owner=linked_by_owner)
        await self._record_link(owner, identity)
        return identity

    async def _record_link(self, owner: Principal, identity: Identity) -> None:
        after = {"provider": identity.provider, "email": identity.email}
        await self._audit.record(AuditEntry(owner, "identity.linked", TARGET_KIND, identity.pk, after=after))

    async def _lock(self, user_id: int) -> Credentials:
        try:
            return await self._accounts.lock_usable(user_id)
        except NotFound:
            raise AccountUnusable(user_id) from None

    async def _record_refusal(self, user_id: int, profile: Profile, code: str) -> None:
        after = {"provider": profile.provider, "code": code}
        entry = AuditEntry(ANONYMOUS, "identity.refused", "user", user_id, after=after, outcome=Outcome.FAILURE)
        async with transaction():
            await self._audit.record(entry)


async def _retrying_conflicts[R](attempt: Callable[[], Awaitable[R]]) -> R:
    """Run `attempt`, a whole transaction, and run it again when it conflicts with a concurrent one."""
    for _ in range(ATTEMPTS_MAXIMUM - 1):
        try:
            return await attempt()
        except IdentityTaken:
            raise
        except Conflict:
            continue
    return await attempt()

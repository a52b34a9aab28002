"""Which account somebody of another provider is."""

from collections.abc import Awaitable, Callable
from functools import partial

from apps.audit.domain.audit_entry import AuditEntry, NoteAudit, Outcome, RecordAudit
from apps.core.authorization.principal import ANONYMOUS, Principal, owner_of
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import Conflict, EmailNotVerified, NotAllowed, NotAuthenticated, NotFound
from apps.identities.models import Identity, Profile
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.users.domain.security_notice import PostNotice, SecurityNotice
from apps.users.services.credentials import Credentials
from apps.users.services.registration import Registration
from apps.users.services.user_service import UserService

ATTEMPTS_MAXIMUM = 5
TARGET_KIND = "identity"


class ProviderEmailUnverified(NotAllowed):
    """The provider knows the person, and does not vouch for an address by which to find or make an account."""

    code = "PROVIDER_EMAIL_UNVERIFIED"
    message = "The provider does not vouch for your e-mail address. Sign in another way, and link the provider then."


class AccountEmailUnverified(NotAllowed):
    """There is an account with the address, and it may be another's who has only typed it."""

    code = "ACCOUNT_EMAIL_UNVERIFIED"
    message = "There is an account with this address, which nobody has confirmed. Set its password by mail first."

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        super().__init__()


class AccountShut(NotAuthenticated):
    """It is the way into an account that may not be used; whoever asks is not told which it is."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        super().__init__()


class IdentityTaken(Conflict):
    """It is another account's way of signing in."""

    code, message = "IDENTITY_TAKEN", "Another account is signed in to with this already."


class AccountLinking:
    """Finds accounts, links and makes them. Lock order: accounts before identities, a deleted one before a living one.

    Whatever is begun at once by one person ends with one account: who comes second meets what the first has written,
    and looks again.
    """

    def __init__(
        self,
        identities: IdentityRepository,
        users: UserService,
        registration: Registration,
        post_notice: PostNotice,
        record_audit: RecordAudit,
        note: NoteAudit,
    ) -> None:
        self._identities = identities
        self._users = users
        self._registration = registration
        self._post_notice = post_notice
        self._record_audit = record_audit
        self._note = note

    async def account_of(self, profile: Profile) -> int:
        """Return the account's id; a verified address finds it the first time, or makes it.

        A deleted account is as good as absent: who comes back is a stranger.

        Raises AccountShut for one that may not be used, ProviderEmailUnverified, AccountEmailUnverified, and as
        `Registration.register_federated` does.
        """
        try:
            return await _again_after_races(partial(run_in_transaction, self._account_of, profile))
        except (AccountEmailUnverified, AccountShut) as refusal:
            await self._note(_refusal(refusal.user_id, profile, refusal.public_code))
            raise

    async def link(self, actor: Principal, profile: Profile) -> Identity:
        """Make it a way of signing in to the caller's account. What is linked already stays.

        Raises IdentityTaken when it is another's, EmailNotVerified unless the account's own address is verified.
        """
        return await _again_after_races(partial(run_in_transaction, self._link_own, actor, profile))

    def _account_of(self, profile: Profile) -> int:
        self._leave_deleted(profile)
        known = self._identities.find(profile)
        if known is not None:
            return self._sign_in_known(known, profile)
        if not profile.is_verified:
            raise ProviderEmailUnverified
        user_id, is_new = self._account_of_address(profile)
        owner = owner_of(user_id)
        identity = self._add(owner, profile)
        self._identities.touch(identity.pk, profile.email)
        if not is_new:
            self._post_notice(user_id, SecurityNotice.IDENTITY_LINKED, str(identity.pk))
        return user_id

    def _sign_in_known(self, known: Identity, profile: Profile) -> int:
        self._lock(known.user_id)
        if not self._identities.touch(known.pk, profile.email):
            raise Conflict  # unlinked since it was found
        return known.user_id

    def _account_of_address(self, profile: Profile) -> tuple[int, bool]:
        """Return the account with the profile's address, locked, and whether it was made just now."""
        account = self._users.lock_by_email(profile.email)
        if account is None:
            return self._registration.register_federated(profile.email, profile.full_name), True
        if not account.is_usable:
            raise AccountShut(account.user_id)
        if not account.is_verified:
            raise AccountEmailUnverified(account.user_id)
        return account.user_id, False

    def _link_own(self, actor: Principal, profile: Profile) -> Identity:
        self._leave_deleted(profile)  # locks a deleted account, which comes before living ones
        # Else somebody could make an account in another's name and leave a way in, for when its owner takes it over.
        if not self._lock(actor.owner_id).is_verified:
            raise EmailNotVerified
        known = self._identities.find(profile)
        if known is None:
            identity = self._add(actor, profile)
            self._post_notice(identity.user_id, SecurityNotice.IDENTITY_LINKED, str(identity.pk))
            return identity
        if known.user_id != actor.owner_id:
            raise IdentityTaken
        return known

    def _leave_deleted(self, profile: Profile) -> None:
        left = self._identities.leave_deleted(profile)
        if left is not None:
            before = {"provider": left.provider, "email": left.email}
            entry = AuditEntry(ANONYMOUS, "identity.left", TARGET_KIND, left.pk, before=before, subject_id=left.user_id)
            self._record_audit(entry)

    def _add(self, owner: Principal, profile: Profile) -> Identity:
        identity = self._identities.add(owner.owner_id, profile)
        after = {"provider": profile.provider, "email": profile.email}
        self._record_audit(AuditEntry(owner, "identity.linked", TARGET_KIND, identity.pk, after=after))
        return identity

    def _lock(self, user_id: int) -> Credentials:
        try:
            return self._users.lock_usable(user_id)
        except NotFound:
            raise AccountShut(user_id) from None


async def _again_after_races[R](attempt: Callable[[], Awaitable[R]]) -> R:
    for _ in range(ATTEMPTS_MAXIMUM - 1):
        try:
            return await attempt()
        except IdentityTaken:
            raise
        except Conflict:
            continue
    return await attempt()


def _refusal(user_id: int, profile: Profile, reason: str) -> AuditEntry:
    after = {"provider": profile.provider, "reason": reason}
    return AuditEntry(
        ANONYMOUS, "identity.refused", "user", user_id, after=after, subject_id=user_id, outcome=Outcome.FAILURE
    )

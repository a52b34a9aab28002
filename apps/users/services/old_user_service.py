"""What apps whose transactions still run on threads call of UserService; removed with the last of them.

The methods work in the transaction that is open on the calling thread.
"""

from collections.abc import Iterable

from django.conf import settings

from apps.core.authorization.scopes import ROLE_SCOPES, reserved_under, withheld_scopes
from apps.core.errors import EmailNotVerified, ErrorDetail, NotAuthenticated, NotFound, ValidationFailed, WrongPassword
from apps.users.models import User
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.services.credentials import Credentials, is_usable, password_digest

_users = OldUserRepository()


class OldUserService:
    """See the classes in `in_transaction/`, which take its place."""

    def set_password(self, user_id: int, password_hash: str, judged_digest: str | None = None) -> None:
        if not _is_judged_password(_users.lock(user_id), judged_digest):
            raise WrongPassword
        _users.set_password(user_id, password_hash)

    def lock_usable(self, user_id: int) -> Credentials:
        account = Credentials.of(_users.lock(user_id))
        if not account.is_usable:
            raise NotFound
        return account

    def lock_usable_by_email(self, email: str) -> Credentials | None:
        user = _users.lock_by_email(email)
        return Credentials.of(user) if user is not None and is_usable(user) else None

    def mark_verified(self, user_id: int) -> None:
        _users.mark_verified(user_id)

    def note_login(self, user_id: int, judged_digest: str | None, needs_verified: bool) -> bool:
        user = _users.lock(user_id)
        if not _is_judged_password(user, judged_digest) or not is_usable(user):
            raise NotAuthenticated
        if needs_verified and settings.REQUIRE_VERIFIED_EMAIL and user.email_verified_at is None:
            raise EmailNotVerified
        _users.note_login(user_id)
        return user.last_login is not None

    def lock_key_allowance(self, user_id: int) -> int | None:
        return _users.lock(user_id).plan.api_keys_maximum

    def require_held(self, user_id: int, scopes: Iterable[str]) -> None:
        wanted = reserved_under(scopes)
        missing = withheld_scopes(wanted, _users.held_scopes(user_id)) if wanted else []
        if missing:
            details = [ErrorDetail("scopes", _what_it_takes(scope)) for scope in missing]
            raise ValidationFailed("A key never has more than its owner holds.", details=details)

    def lock_account(self, user_id: int) -> None:
        _users.lock(user_id)


def _is_judged_password(user: User, judged_digest: str | None) -> bool:
    return judged_digest in (None, password_digest(user.password))


def _what_it_takes(scope: str) -> str:
    if scope not in ROLE_SCOPES:
        return f"Only staff hold {scope}."
    names = _users.names_giving(scope)
    return f"The owner needs a role that gives {scope}: {' or '.join(names) if names else 'there is none yet'}."

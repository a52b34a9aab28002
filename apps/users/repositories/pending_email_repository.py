"""Reads and writes the addresses that accounts shall have instead of theirs."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.users.models import User
from apps.users.repositories.old_user_repository import saved

NONE_PENDING = {"pending_email": "", "pending_email_until": None, "pending_email_confirmed_by": ""}


class PendingEmailRepository:
    """Columns of accounts that are locked in the transaction open on this thread."""

    def is_taken(self, email: str) -> bool:
        """Return whether a living account has the address."""
        return User.objects.with_email(email).filter(deleted_at=None).exists()

    def begin(self, user: User, email: str, life: timedelta, confirmed_by: str) -> None:
        """Let the address wait so long to be confirmed by the two, or by the one that has not."""
        _of(user).update(
            pending_email=email,
            pending_email_until=Now() + life,
            pending_email_confirmed_by=confirmed_by,
            updated_at=Now(),
        )

    def is_waiting(self, user: User, email: str) -> bool:
        """Return whether this address waits to be confirmed."""
        return _of(user).filter(pending_email=email, pending_email_until__gt=Now()).exists()

    def confirm(self, user: User, side: str) -> None:
        """Note that one of the two has confirmed."""
        _of(user).update(pending_email_confirmed_by=side, updated_at=Now())

    def end(self, user: User) -> None:
        """Let no address wait."""
        _of(user).update(**NONE_PENDING, updated_at=Now())

    def move(self, user: User, email: str, *, is_verified: bool) -> None:
        """Give the account the address; raises Conflict when it is taken."""
        user.email = email
        user.email_verified_at = Now() if is_verified else user.email_verified_at
        for name, value in NONE_PENDING.items():
            setattr(user, name, value)
        with transaction.atomic():
            saved(user, update_fields=["email", "email_verified_at", *NONE_PENDING, "updated_at"])


def _of(user: User) -> QuerySet[User]:
    return User.objects.filter(pk=user.pk)

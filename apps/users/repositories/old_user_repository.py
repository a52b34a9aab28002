"""Synchronous access to accounts, for apps whose transactions still run on threads; removed with the last of them."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.core.authorization.scopes import held_scopes
from apps.core.errors import NotFound
from apps.users.models import Invitation, PendingRegistration, Role, RoleScope, User
from apps.users.repositories.pending_email_repository import NOTHING_PENDING


class OldUserRepository:
    """The accounts' rows, in the transaction that is open on the calling thread."""

    def lock(self, user_id: int) -> User:
        user = _living().select_for_update(of=("self",)).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return user

    def lock_by_email(self, email: str) -> User | None:
        found = User.objects.with_email(email).filter(deleted_at=None).select_related("plan")
        return found.select_for_update(of=("self",)).first()

    def held_scopes(self, user_id: int) -> frozenset[str]:
        user = _living().filter(pk=user_id).first()
        given = RoleScope.objects.filter(role__user=user_id).values_list("scope", flat=True)
        return held_scopes(given, is_staff=user.is_staff) if user else frozenset()

    def names_giving(self, scope: str) -> list[str]:
        return list(Role.objects.filter(scopes__scope=scope).order_by("name").values_list("name", flat=True))

    def change(self, user_id: int, **columns: Any) -> None:
        User.objects.filter(pk=user_id).update(**columns)

    def note_login(self, user_id: int) -> None:
        self.change(user_id, last_login=Now())

    def mark_verified(self, user_id: int) -> None:
        User.objects.filter(pk=user_id, email_verified_at=None).update(email_verified_at=Now(), updated_at=Now())

    def set_password(self, user_id: int, password_hash: str) -> None:
        self.change(user_id, password=password_hash, updated_at=Now())

    def address_of(self, user_id: int) -> tuple[str | None, datetime]:
        user = User.objects.annotate(moment=Now()).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return user.email if user.erased_at is None else None, vars(user)["moment"]

    def lock_due(self, user_id: int, days: int) -> User | None:
        due = User.objects.filter(deleted_at__lte=Now() - timedelta(days=days), erased_at=None, pk=user_id)
        return due.select_for_update(skip_locked=True).first()

    def erase(self, user: User) -> None:
        PendingRegistration.objects.filter(email__iexact=user.email).delete()
        name = f"erased-{user.pk}"
        to_address = Q(Exact(Lower("email"), user.email.lower()), user=None, created_at__lt=user.deleted_at)
        Invitation.objects.filter(Q(user=user) | to_address).update(email=f"{name}@erased.invalid")
        User.objects.filter(pk=user.pk).update(
            email=f"{name}@erased.invalid",
            username=name,
            full_name="",
            password=make_password(None),
            last_login=None,
            email_verified_at=None,
            erased_at=Now(),
            updated_at=Now(),
            **NOTHING_PENDING,
        )


def _living() -> QuerySet[User]:
    return User.objects.filter(deleted_at=None).select_related("plan")

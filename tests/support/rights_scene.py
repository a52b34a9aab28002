"""A caller of each kind in the table of rights, with rows that are the caller's own and rows of another customer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.authentication.models import Session
from apps.identities.models import Identity
from apps.second_factors.models import Passkey
from apps.usage.models import Refusal
from apps.users.models import AccountNote, Invitation, Role, User
from tests.support.factories import (
    PASSWORD,
    give_credits,
    make_approval,
    make_key,
    make_plan,
    make_role,
    make_staff,
    make_user,
)
from tests.support.orm import make
from tests.support.rights_table import KEYS, ROLES
from tests.support.sessions import sign_in
from tests.support.staff_browser import admin_session

BATCH = 40  # that are created in one transaction


@dataclass(frozen=True)
class RightsScene:
    """A caller and another customer, each with a row of everything."""

    user: User
    headers: dict[str, str]
    own: dict[str, int]
    others: dict[str, int]
    other: User


def _belongings(user: User, shared: dict[str, int]) -> dict[str, int]:
    identity = Identity.objects.create(
        user=user, provider="acme", issuer="https://acme.example", subject=str(user.pk), email=user.email
    )
    passkey = Passkey.objects.create(
        user=user, user_handle=b"x" * 64, name="p", credential_id=f"{user.pk}".encode(), public_key=b"x",
        aaguid="00000000-0000-0000-0000-000000000000", sign_count=0, is_backup_eligible=False, is_backed_up=False,
    )  # fmt: skip
    key = make_key(user)
    Refusal.objects.create(
        occurred_at=timezone.now(), user_id=user.pk, api_key_id=key.id, code="EXPIRED", detail="key", scopes=[], cost=0,
        weight=1, request_id=str(key.id), rate_limits=[],
    )  # fmt: skip
    ids = {"user_id": user.pk, "key_id": key.id, "request_id": key.id, "session_id": admin_session(user).pk}
    note = AccountNote.objects.create(user=user, text="note")
    return {**shared, **ids, "identity_id": identity.pk, "passkey_id": passkey.pk, "note_id": note.pk}


def _account(column: str) -> User:
    fields: dict[str, Any] = {"email_verified_at": timezone.now(), "password": PASSWORD}
    if column == "superuser":
        return make_staff(**fields)
    user = make_user(**fields, is_staff=column in ROLES)
    if column in ROLES:
        user.groups.add(Role.objects.get(name=column))
    return user


def _credential(column: str, user: User) -> dict[str, str]:
    if column == "anonymous":
        return {}
    if column in KEYS:
        return make_key(user, scopes=KEYS[column]).headers
    headers = sign_in(user)
    Session.objects.filter(user=user).update(methods=["pwd", "hwk"])  # accounts with a passkey sign in by it too
    return headers


def rights_scene(column: str) -> RightsScene:
    """Create the caller of the column, and another customer."""
    user, other = _account(column), make_user(email_verified_at=timezone.now())
    give_credits(other, 5)
    approval = make_approval(other, make_staff())
    invitation = Invitation.objects.create(email="ann@example.com", expires_at=timezone.now() + timedelta(days=1))
    shared = {
        "plan_id": make_plan().pk,
        "role_id": make_role().pk,
        "invitation_id": invitation.pk,
        "approval_id": approval.pk,
    }
    return RightsScene(user, _credential(column, user), _belongings(user, shared), _belongings(other, shared), other)


class Scenes:
    """Scenes for one column, each used once: an operation may end a session or delete an account."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._scenes: list[RightsScene] = []

    async def next(self) -> RightsScene:
        """Return a scene that was not used yet."""
        if not self._scenes:
            self._scenes = await make(lambda: [rights_scene(self._column) for _ in range(BATCH)])
        return self._scenes.pop()

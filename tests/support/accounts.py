"""Signed-in accounts, for async tests."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.users.models import User
from tests.support.factories import make_colleague, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.sessions import sign_in


@dataclass(frozen=True)
class Account:
    """A user and the headers of an active session."""

    user: User
    headers: dict[str, str]

    @property
    def id(self) -> int:
        return self.user.pk


async def customer(**fields: Any) -> Account:
    """Return a signed-in customer on the free plan, with a verified e-mail address."""
    return await _signed_in(await make(make_user, **{"email_verified_at": timezone.now(), **fields}))


async def superuser(**fields: Any) -> Account:
    """Return a signed-in superuser."""
    return await _signed_in(await make(make_staff, **fields))


async def colleague(*scopes: str, **fields: Any) -> Account:
    """Return a signed-in staff member with a role that gives these scopes, without any with all that roles can give."""
    return await _signed_in(await make(make_colleague, *scopes, **fields))


async def audited() -> list[tuple[str, int | None, int | None]]:
    """Return each audit event's action, target and actor, oldest first."""
    events = await rows(AuditEvent.objects.order_by("id"))
    return [(event.action, event.target_id, event.actor_id) for event in events]


async def _signed_in(user: User) -> Account:
    return Account(user, await make(sign_in, user))

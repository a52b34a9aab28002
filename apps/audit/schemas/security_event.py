"""Security events, as the owner of the account may see them."""

from enum import StrEnum
from typing import TYPE_CHECKING, Self

from apps.audit.domain.audit_entry import Outcome
from apps.core.authorization.principal import CredentialKind
from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent


class Actor(StrEnum):
    """Who acted: the owner, one of the owner's keys, staff, an operator, or an anonymous client (`unknown`)."""

    OWNER = "owner"
    API_KEY = "api_key"
    STAFF = "staff"
    OPERATOR = "operator"
    UNKNOWN = "unknown"


class SecurityEventOut(ResponseSchema):
    """A security event. The IP address and the user agent of staff are not shown."""

    id: int
    occurred_at: Timestamp
    action: str
    outcome: Outcome
    actor: Actor
    target_kind: str
    target_id: int | None
    ip_address: str | None
    user_agent: str
    request_id: str

    @classmethod
    def of(cls, event: "AuditEvent") -> Self:
        """Return the event as the owner of the account may see it."""
        actor = _actor(event)
        is_by_staff = actor in (Actor.STAFF, Actor.OPERATOR)
        return cls(
            id=event.pk,
            occurred_at=event.occurred_at,
            action=event.action,
            outcome=Outcome(event.outcome),
            actor=actor,
            target_kind=event.target_kind,
            target_id=event.target_id,
            ip_address=None if is_by_staff else event.ip_address,
            user_agent="" if is_by_staff else event.user_agent,
            request_id=event.request_id,
        )


def _actor(event: "AuditEvent") -> Actor:
    if event.actor_kind == CredentialKind.OPERATOR:
        return Actor.OPERATOR
    if event.actor_id is None:
        return Actor.UNKNOWN
    if event.actor_id != event.subject_id:
        return Actor.STAFF
    return Actor.API_KEY if event.actor_kind == CredentialKind.API_KEY else Actor.OWNER

"""Audit events as staff see them."""

from typing import TYPE_CHECKING, Any, Self, cast

from apps.audit.domain.audit_entry import Outcome
from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent


class TrailEventOut(ResponseSchema):
    """An event of the audit trail, with everything that is kept of it. `actor_email` is null for operators, anonymous
    clients, and actors whose account is not in the database."""

    id: int
    occurred_at: Timestamp
    actor_id: int | None
    actor_kind: str
    actor_email: str | None
    subject_id: int | None
    action: str
    outcome: Outcome
    target_kind: str
    target_id: int | None
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    ip_address: str | None
    user_agent: str
    request_id: str

    @classmethod
    def of(cls, event: "AuditEvent") -> Self:
        """Return the event; `actor_email` must be annotated."""
        row = cast("Any", event)
        return cls(**{name: getattr(row, name) for name in cls.model_fields})

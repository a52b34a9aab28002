"""What is recorded in the database: audit events, and how many rows some tables have."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.audit.models import AuditEvent
from apps.credits.models import CreditTransaction
from apps.mail.models import OutgoingMail
from apps.plans.models import Plan
from apps.second_factors.models import Passkey, RecoveryCode, TotpDevice
from apps.users.models import AccountNote, Invitation, Role, User

COUNTED: tuple[Any, ...] = (
    AccountNote, ApiKey, ApiKeySecret, CreditTransaction, Invitation, OutgoingMail, Passkey, Plan, RecoveryCode, Role,
    TotpDevice, User,
)  # fmt: skip


class Recorded(NamedTuple):
    """The newest audit event, and the number of rows by model."""

    event_id: int
    rows: Mapping[str, int]


def recorded() -> Recorded:
    """Return what is recorded now."""
    newest = AuditEvent.objects.order_by("id").values_list("id", flat=True).last()
    return Recorded(newest or 0, {model.__name__: model.objects.count() for model in COUNTED})


def recorded_since(before: Recorded) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the actions of the audit events since then, and how many rows of each model are new, or gone."""
    events = AuditEvent.objects.filter(id__gt=before.event_id).order_by("id").values_list("action", flat=True)
    grown = {model: number - before.rows[model] for model, number in recorded().rows.items()}
    return tuple(events), {model: number for model, number in grown.items() if number}

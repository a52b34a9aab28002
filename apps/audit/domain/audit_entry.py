"""The entry that a service records for an action."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from apps.core.authorization.principal import Principal


class Outcome(StrEnum):
    """Whether the action was carried out."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action by an actor on a target, with the fields that changed. Never put a secret in it.

    `subject_id` is the account that the action concerns; by default the target, where that is an account, else the
    actor's own. `reason` is why, for staff alone; by default the actor's. When an account is erased, the reason is
    blanked, and every value in `before` and `after` but those that the kind of target declares plain (`AuditKind`).
    """

    actor: Principal
    action: str
    target_kind: str
    target_id: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    subject_id: int | None = None
    outcome: Outcome = Outcome.SUCCESS
    reason: str = ""

    @property
    def account_id(self) -> int | None:
        """The account that the action concerns, if any."""
        target_id = self.target_id if self.target_kind == "user" else None
        return self.subject_id or target_id or self.actor.user_id


def values_of(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the row's values of these names, for `before` or `after`."""
    return {name: getattr(row, name) for name in names}

"""What a service wants remembered of a change."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from apps.core.authorization.principal import Principal


class Outcome(StrEnum):
    """Whether what was tried was done."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action by an actor on a thing, with the fields that changed. Never put a secret in it.

    `subject_id` is the account it concerns: where it is not named, the one that is the target, else the actor's own.
    """

    actor: Principal
    action: str
    target_kind: str
    target_id: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    subject_id: int | None = None
    outcome: Outcome = Outcome.SUCCESS

    @property
    def account_id(self) -> int | None:
        """The account that the entry concerns, if any."""
        target_id = self.target_id if self.target_kind == "user" else None
        return self.subject_id or target_id or self.actor.user_id


# Writes the entry in the transaction that is open on the calling thread.
RecordAudit = Callable[[AuditEntry], None]
# Writes the entry in a transaction of its own: for what changes nothing else.
NoteAudit = Callable[[AuditEntry], Awaitable[None]]

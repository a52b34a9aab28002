"""What is answered."""

from dataclasses import dataclass

from apps.verification.models.code import Code
from apps.verification.models.key_record import KeyRecord


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one question; the record is None when there is no such key."""

    code: Code
    record: KeyRecord | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the key may make the call."""
        return self.code is Code.VALID

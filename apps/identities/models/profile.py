"""Whom a provider says somebody is."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody at a provider: `issuer` and `subject` are who it is, the rest is what they are called there.

    `is_verified` is whether the provider vouches for the address in a way that may be relied on.
    """

    provider: str
    issuer: str
    subject: str
    email: str
    is_verified: bool
    full_name: str

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

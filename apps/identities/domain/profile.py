"""A person at a provider."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as a provider describes them: `issuer` and `subject` identify, the rest describes.

    `is_verified` is whether the provider has verified the address in a way that can be relied on.
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

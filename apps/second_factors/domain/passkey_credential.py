"""What an authenticator says of a passkey, once its signature is verified (WebAuthn Level 3)."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A new key pair."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    aaguid: UUID
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """A use of a key pair."""

    sign_count: int
    is_user_verified: bool
    is_backup_eligible: bool
    is_backed_up: bool

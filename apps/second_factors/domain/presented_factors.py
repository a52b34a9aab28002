"""What is presented as a second factor: a code before it is verified, a passkey once its signature is (WebAuthn 3)."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CodeAttempt:
    """A code of an authenticator app where it is six digits, else a recovery code by its SHA-256.

    `client_address` is the address or network whose wrong codes are counted together.
    """

    user_id: int
    client_address: str
    digits: str | None = field(repr=False)
    recovery_digest: bytes = field(repr=False)


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

"""Presented second factors: a code before it is verified, and a passkey whose signature was verified (WebAuthn 3)."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CodeAttempt:
    """A code to verify: `digits` of an authenticator app, or otherwise a recovery code by its SHA-256.

    `client_address` is the address or network whose wrong codes are counted together.
    """

    user_id: int
    client_address: str
    digits: str | None = field(repr=False)
    recovery_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A newly registered passkey (WebAuthn: credential)."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    aaguid: UUID
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """A use of a passkey, which the authenticator has signed."""

    sign_count: int
    is_user_verified: bool
    is_backup_eligible: bool
    is_backed_up: bool

"""A code as it is entered for an account, before it is verified."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CodeAttempt:
    """A code of an authenticator app where it is six digits, else a recovery code by its SHA-256.

    `client_address` is the address or network whose wrong codes are counted together.
    """

    user_id: int
    client_address: str
    digits: str | None = field(repr=False)
    recovery_digest: bytes = field(repr=False)

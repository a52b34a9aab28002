"""Ways to prove oneself a second time."""

from enum import StrEnum


class FactorKind(StrEnum):
    """A way to prove oneself a second time."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"

"""An account's second factors, as its owner and staff see them."""

from enum import StrEnum

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp
from apps.second_factors.schemas.passkey_out import PasskeyOut


class FactorKind(StrEnum):
    """A way to prove oneself a second time."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


class TotpOut(ResponseSchema):
    """The authenticator program that shows codes."""

    confirmed_at: Timestamp
    last_used_at: Timestamp | None


class SecondFactorsOut(ResponseSchema):
    """By what the account can be proven a second time: `kinds` is empty while it has no second factor."""

    kinds: list[FactorKind]
    totp: TotpOut | None
    passkeys: list[PasskeyOut]
    recovery_codes_left: int


class SecondFactorsReset(ResponseSchema):
    """What an operator has removed."""

    user_id: int
    removed: list[FactorKind]

"""An account's second factors, as its owner and staff see them."""

from apps.core.schemas.base import ResponseSchema
from apps.second_factors.schemas.factor_kind import FactorKind
from apps.second_factors.schemas.passkey_out import PasskeyOut
from apps.second_factors.schemas.totp_out import TotpOut


class SecondFactorsOut(ResponseSchema):
    """By what the account can be proven a second time: `kinds` is empty while it has no second factor."""

    kinds: list[FactorKind]
    totp: TotpOut | None
    passkeys: list[PasskeyOut]
    recovery_codes_left: int

"""Second factors of an account, and the codes that prove them."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Timestamp
from apps.second_factors.schemas.passkey import PasskeyOut

# Six digits of an authenticator program, or a recovery code; spaces and hyphens are as people type them.
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z][0-9A-Za-z -]{4,38}$")]


class FactorKind(StrEnum):
    """A way to prove oneself a second time."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


class CodeEntry(RequestSchema):
    """A code of the authenticator program, or a recovery code where one is taken."""

    code: Code


class RecoveryCodesOut(ResponseSchema):
    """Codes that are good once each, shown this once; none where the account has some already."""

    recovery_codes: list[str]


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

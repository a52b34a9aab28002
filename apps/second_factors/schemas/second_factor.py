"""Second factors of an account, and codes."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Timestamp
from apps.second_factors.schemas.passkey import PasskeyOut
from apps.second_factors.schemas.totp_device import TotpOut

# Six digits of an authenticator app, or a recovery code; spaces and hyphens are ignored.
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z][0-9A-Za-z -]{4,38}$")]


class FactorKind(StrEnum):
    """A kind of second factor."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


class PasskeyOverview(ResponseSchema):
    """A passkey at a glance."""

    id: int
    name: str
    created_at: Timestamp
    last_used_at: Timestamp | None


class FactorsOverview(ResponseSchema):
    """The second factors of an account at a glance."""

    totp: TotpOut | None
    passkeys: list[PasskeyOverview]
    recovery_codes_left: int


class CodeEntry(RequestSchema):
    """A code from the authenticator app or, where accepted, a recovery code."""

    code: Code


class RecoveryCodesOut(ResponseSchema):
    """Recovery codes, each valid once, which are shown only once; empty if the account already has some."""

    recovery_codes: list[str]


class SecondFactorsOut(ResponseSchema):
    """The second factors of an account; `kinds` is empty if it has none."""

    kinds: list[FactorKind]
    totp: TotpOut | None
    passkeys: list[PasskeyOut]
    recovery_codes_left: int


class SecondFactorsReset(ResponseSchema):
    """The account, and the factors that were removed."""

    user_id: int
    removed: list[FactorKind]

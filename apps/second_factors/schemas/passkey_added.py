"""A passkey that was just registered."""

from apps.core.schemas.base import ResponseSchema
from apps.second_factors.schemas.passkey_out import PasskeyOut


class PasskeyAdded(ResponseSchema):
    """The new passkey, and recovery codes, shown this once; none where the account has some already."""

    passkey: PasskeyOut
    recovery_codes: list[str]

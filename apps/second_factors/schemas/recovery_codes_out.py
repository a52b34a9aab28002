"""New recovery codes."""

from apps.core.schemas.base import ResponseSchema


class RecoveryCodesOut(ResponseSchema):
    """Codes that are good once each, shown this once; none where the account has some already."""

    recovery_codes: list[str]

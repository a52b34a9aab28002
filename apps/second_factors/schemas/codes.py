"""Codes that people type."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema, ResponseSchema

# Six digits of an authenticator program, or a recovery code; spaces and hyphens are as people type them.
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z][0-9A-Za-z -]{4,38}$")]


class CodeEntry(RequestSchema):
    """A code of the authenticator program, or a recovery code where one is taken."""

    code: Code


class RecoveryCodesOut(ResponseSchema):
    """Codes that are good once each, shown this once; none where the account has some already."""

    recovery_codes: list[str]

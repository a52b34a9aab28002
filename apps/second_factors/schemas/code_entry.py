"""A code that somebody has typed."""

from apps.core.schemas.base import RequestSchema
from apps.second_factors.schemas.fields import Code


class CodeEntry(RequestSchema):
    """A code of the authenticator program, or a recovery code where one is taken."""

    code: Code

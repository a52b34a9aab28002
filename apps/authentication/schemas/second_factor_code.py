"""Completing a sign-in by a code."""

from apps.authentication.schemas.fields import SecondFactorToken
from apps.core.schemas.base import RequestSchema
from apps.second_factors.schemas import Code


class SecondFactorCode(RequestSchema):
    """Six digits of the authenticator program, or a recovery code."""

    second_factor_token: SecondFactorToken
    code: Code

"""Asking what a passkey has to answer to complete a sign-in."""

from apps.authentication.schemas.fields import SecondFactorToken
from apps.core.schemas.base import RequestSchema


class SecondFactorPasskeyQuery(RequestSchema):
    """The sign-in that a passkey shall complete."""

    second_factor_token: SecondFactorToken

"""Signing in and staying signed in: credentials, second step, token pairs, re-authentication."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Text
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.second_factors.schemas.passkey import AssertionCredential, Challenge, PasskeyAssertion
from apps.second_factors.schemas.second_factor import Code, FactorKind
from apps.users.schemas.user import Password

SecondFactorToken = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class TokenPair(ResponseSchema):
    """An access token that expires in `expires_in` seconds, and the refresh token to exchange for the next pair."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int


class LoginRequest(RequestSchema):
    """An e-mail address and its password. Any text is accepted as an address: the response reveals nothing about it."""

    email: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=EMAIL_LENGTH_MAXIMUM)]
    password: Password


class SecondFactorNeeded(ResponseSchema):
    """The first step is complete. Complete the sign-in with the token and a second factor of one of the `kinds`, within
    `expires_in` seconds.
    """

    second_factor_token: str
    kinds: list[FactorKind]
    expires_in: int


class SecondFactorCode(RequestSchema):
    """A six-digit code from the authenticator app, or a recovery code."""

    second_factor_token: SecondFactorToken
    code: Code


class SecondFactorPasskey(RequestSchema):
    """A passkey's response to a challenge."""

    second_factor_token: SecondFactorToken
    challenge: Challenge
    credential: AssertionCredential

    @property
    def assertion(self) -> PasskeyAssertion:
        """The passkey's response alone."""
        return PasskeyAssertion(challenge=self.challenge, credential=self.credential)


class SecondFactorPasskeyQuery(RequestSchema):
    """The sign-in that a passkey completes."""

    second_factor_token: SecondFactorToken


class RefreshRequest(RequestSchema):
    """The newest refresh token of a session."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class StepUpRequest(RequestSchema):
    """Exactly one of: a code or a passkey if the account has a second factor, otherwise its password."""

    password: Password | None = None
    code: Code | None = None
    passkey: PasskeyAssertion | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.password, self.code, self.passkey].count(None) != 2:
            raise ValueError("must have exactly one of password, code and passkey")
        return self

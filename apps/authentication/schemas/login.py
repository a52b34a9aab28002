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
    """An access token for `expires_in` seconds, and the refresh token that gets the next pair."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int


class LoginRequest(RequestSchema):
    """An address and its password; any text is an address here, so that the answer is the same for all."""

    email: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=EMAIL_LENGTH_MAXIMUM)]
    password: Password


class SecondFactorNeeded(ResponseSchema):
    """The first step is done; the token completes it for `expires_in` seconds, beside proof of one of the `kinds`."""

    second_factor_token: str
    kinds: list[FactorKind]
    expires_in: int


class SecondFactorCode(RequestSchema):
    """Six digits of the authenticator program, or a recovery code."""

    second_factor_token: SecondFactorToken
    code: Code


class SecondFactorPasskey(RequestSchema):
    """A passkey's answer to a challenge."""

    second_factor_token: SecondFactorToken
    challenge: Challenge
    credential: AssertionCredential

    @property
    def assertion(self) -> PasskeyAssertion:
        """The answer alone."""
        return PasskeyAssertion(challenge=self.challenge, credential=self.credential)


class SecondFactorPasskeyQuery(RequestSchema):
    """The sign-in that a passkey shall complete."""

    second_factor_token: SecondFactorToken


class RefreshRequest(RequestSchema):
    """The newest refresh token of a session."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class StepUpRequest(RequestSchema):
    """One of: a code or a passkey of the account's second factors, or its password while it has none."""

    password: Password | None = None
    code: Code | None = None
    passkey: PasskeyAssertion | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.password, self.code, self.passkey].count(None) != 2:
            raise ValueError("send exactly one of password, code and passkey")
        return self

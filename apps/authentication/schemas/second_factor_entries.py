"""The second step of signing in."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema
from apps.second_factors.schemas import AssertionCredential, Code, PasskeyAssertion
from apps.second_factors.schemas.passkey_entries import Challenge

SecondFactorToken = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SecondFactorCode(RequestSchema):
    """Six digits of the authenticator program, or a recovery code."""

    second_factor_token: SecondFactorToken
    code: Code


class SecondFactorPasskeyQuery(RequestSchema):
    """The sign-in that a passkey shall complete."""

    second_factor_token: SecondFactorToken


class SecondFactorPasskey(RequestSchema):
    """A passkey's answer to a challenge."""

    second_factor_token: SecondFactorToken
    challenge: Challenge
    credential: AssertionCredential

    @property
    def assertion(self) -> PasskeyAssertion:
        """The answer alone."""
        return PasskeyAssertion(challenge=self.challenge, credential=self.credential)

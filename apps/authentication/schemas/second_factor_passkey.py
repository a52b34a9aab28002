"""Completing a sign-in by a passkey."""

from apps.authentication.schemas.fields import SecondFactorToken
from apps.core.schemas.base import RequestSchema
from apps.second_factors.schemas import AssertionCredential, Challenge, PasskeyAssertion


class SecondFactorPasskey(RequestSchema):
    """A passkey's answer to a challenge."""

    second_factor_token: SecondFactorToken
    challenge: Challenge
    credential: AssertionCredential

    @property
    def assertion(self) -> PasskeyAssertion:
        """The answer alone."""
        return PasskeyAssertion(challenge=self.challenge, credential=self.credential)

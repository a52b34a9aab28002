"""Proving oneself with a passkey."""

from apps.core.schemas.base import RequestSchema
from apps.second_factors.schemas.fields import Challenge
from apps.second_factors.schemas.passkey_credentials import AssertionCredential


class PasskeyAssertion(RequestSchema):
    """A passkey's answer to a challenge."""

    challenge: Challenge
    credential: AssertionCredential

"""Registering a passkey."""

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import ShortText
from apps.second_factors.schemas.fields import Challenge
from apps.second_factors.schemas.passkey_credentials import AttestationCredential


class PasskeyRegistration(RequestSchema):
    """A new passkey, and what its owner calls it."""

    challenge: Challenge
    name: ShortText = "Passkey"
    credential: AttestationCredential

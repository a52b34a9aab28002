"""What is said when a passkey is made, named or used."""

from typing import Annotated, Any

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import ShortText
from apps.second_factors.schemas.passkey_credentials import AssertionCredential, AttestationCredential

Challenge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


class PasskeyOptions(ResponseSchema):
    """What the browser is asked: `options` are for `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.

    The challenge, good once and for five minutes, is sent back beside the browser's answer.
    """

    challenge: str
    options: dict[str, Any]
    expires_in: int


class PasskeyRegistration(RequestSchema):
    """A new passkey, and what its owner calls it."""

    challenge: Challenge
    name: ShortText = "Passkey"
    credential: AttestationCredential


class PasskeyRename(RequestSchema):
    """What the owner calls it from now on."""

    name: ShortText


class PasskeyAssertion(RequestSchema):
    """A passkey's answer to a challenge."""

    challenge: Challenge
    credential: AssertionCredential

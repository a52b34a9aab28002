"""What a browser's `PublicKeyCredential.toJSON()` gives (WebAuthn Level 3), as far as it is needed.

Browsers send more, and more with time, so fields that are not known are passed over here.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

CREDENTIAL_ID_LENGTH_MAXIMUM = 1364  # 1023 bytes (WebAuthn, 4: credential ID)

# Base64url without padding; one character over a multiple of four encodes nothing.
Base64Url = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4}$", max_length=16384)]
CredentialId = Annotated[Base64Url, StringConstraints(max_length=CREDENTIAL_ID_LENGTH_MAXIMUM)]
Transport = Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,20}$")]


class CredentialPart(BaseModel):
    """A part of what the browser sends."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, validate_by_name=True)


class AttestationAnswer(CredentialPart):
    """What the authenticator says of a new key pair."""

    client_data_json: Base64Url = Field(alias="clientDataJSON")
    attestation_object: Base64Url = Field(alias="attestationObject")
    transports: Annotated[list[Transport], Field(max_length=10)] = []


class AttestationCredential(CredentialPart):
    """The answer of `navigator.credentials.create()`."""

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]
    response: AttestationAnswer


class AssertionAnswer(CredentialPart):
    """What the authenticator has signed, and for which account it holds the key."""

    client_data_json: Base64Url = Field(alias="clientDataJSON")
    authenticator_data: Base64Url = Field(alias="authenticatorData")
    signature: Base64Url
    user_handle: Base64Url | None = Field(default=None, alias="userHandle")


class AssertionCredential(CredentialPart):
    """The answer of `navigator.credentials.get()`."""

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]
    response: AssertionAnswer

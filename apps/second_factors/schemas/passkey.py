"""Passkeys: WebAuthn ceremonies, and their representation in responses."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import ShortText, Timestamp

if TYPE_CHECKING:
    from apps.second_factors.models import Passkey


class PasskeyOptions(ResponseSchema):
    """Options for the browser's `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.

    The challenge is valid once, for five minutes. Send it together with the browser's response.
    """

    challenge: str
    options: dict[str, Any]
    expires_in: int


CREDENTIAL_ID_LENGTH_MAXIMUM = 1364  # 1023 bytes (WebAuthn, 4: credential ID)
# Base64url without padding; a single character after a multiple of four is invalid.
Challenge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Base64Url = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4}$", max_length=16384)]
CredentialId = Annotated[Base64Url, StringConstraints(max_length=CREDENTIAL_ID_LENGTH_MAXIMUM)]
Transport = Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,20}$")]


class CredentialPart(BaseModel):
    """A part of the browser's response."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, validate_by_name=True)


class AttestationResponse(CredentialPart):
    """The authenticator's statement about a new key pair."""

    client_data_json: Base64Url = Field(alias="clientDataJSON")
    attestation_object: Base64Url = Field(alias="attestationObject")
    transports: Annotated[list[Transport], Field(max_length=10)] = []


class AttestationCredential(CredentialPart):
    """The result of `navigator.credentials.create()`."""

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]
    response: AttestationResponse


class AssertionResponse(CredentialPart):
    """The authenticator's signed response, and the user handle of the account that the passkey belongs to."""

    client_data_json: Base64Url = Field(alias="clientDataJSON")
    authenticator_data: Base64Url = Field(alias="authenticatorData")
    signature: Base64Url
    user_handle: Base64Url | None = Field(default=None, alias="userHandle")


class AssertionCredential(CredentialPart):
    """The result of `navigator.credentials.get()`."""

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]
    response: AssertionResponse


class PasskeyAssertion(RequestSchema):
    """A passkey's response to a challenge."""

    challenge: Challenge
    credential: AssertionCredential


class PasskeyRegistration(RequestSchema):
    """A new passkey, and its name."""

    challenge: Challenge
    name: ShortText = "Passkey"
    credential: AttestationCredential


class PasskeyRename(RequestSchema):
    """The passkey's new name."""

    name: ShortText


class PasskeyOut(ResponseSchema):
    """A passkey; `aaguid` identifies the authenticator's model.

    `is_backup_eligible` is true if it can be copied to other devices, `is_backed_up` if it has been.
    """

    id: int
    name: str
    aaguid: str
    transports: list[str]
    is_backup_eligible: bool
    is_backed_up: bool
    created_at: Timestamp
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, passkey: "Passkey") -> Self:
        """Return the public representation of the passkey."""
        return cls(
            id=passkey.pk,
            name=passkey.name,
            aaguid=str(passkey.aaguid),
            transports=passkey.transports,
            is_backup_eligible=passkey.is_backup_eligible,
            is_backed_up=passkey.is_backed_up,
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
        )


class PasskeyAdded(ResponseSchema):
    """The new passkey, and recovery codes, which are shown only once; empty if the account already has some."""

    passkey: PasskeyOut
    recovery_codes: list[str]

"""A client's credentials: its id, and an API key as its secret (RFC 6749, 2.3.1)."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from apps.api_keys.services.key_secrets import KeySecret
from apps.core.authorization.authorization_header import BASIC, BEARER, MalformedAuthorization, credential_in
from apps.oauth.services.oauth_errors import InvalidBearerToken, InvalidClient, OAuthError

SEVERAL_METHODS = "Authenticate the client by one method only."


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client's id, which is its key's id or visible prefix, and its secret, which is the key."""

    client_id: str
    secret: str = field(repr=False)

    def identify(self, secret: KeySecret) -> bool:
        """Return whether the client id is that of the key with this secret."""
        return self.client_id in (str(secret.key_id), secret.prefix)


def read_credentials(authorization: str, form: Mapping[str, str]) -> ClientCredentials | None:
    """Return the credentials in the Authorization header (`client_secret_basic`) or in the form (`client_secret_post`).

    None when the request has no client secret. Raises InvalidClient for malformed credentials, and OAuthError when
    there is more than one.
    """
    if authorization:
        credentials = _in_header(authorization)
        if "client_secret" in form or form.get("client_id", credentials.client_id) != credentials.client_id:
            raise OAuthError(SEVERAL_METHODS)
        return credentials
    if "client_secret" not in form:
        return None
    if "client_id" not in form:
        raise InvalidClient("The parameter client_id is missing. Send it together with client_secret.")
    return ClientCredentials(form["client_id"], form["client_secret"])


def bearer_of(authorization: str) -> str | None:
    """Return the bearer token of the Authorization header (RFC 6750, 2.1), or None; raises InvalidBearerToken."""
    try:
        return credential_in(authorization, BEARER) if authorization else None
    except MalformedAuthorization:
        raise InvalidBearerToken("The Authorization header is malformed. Send one, with one credential.") from None


def _in_header(authorization: str) -> ClientCredentials:
    try:
        credential = credential_in(authorization, BASIC)
        if credential is None:
            raise InvalidClient("Authenticate the client by HTTP Basic, or by client_id and client_secret in the form.")
        client_id, colon, secret = b64decode(credential, validate=True).decode().partition(":")
        if not colon:
            raise InvalidClient
        return ClientCredentials(_decoded(client_id), _decoded(secret))
    except ValueError as error:  # no Basic credential, neither Base64 nor UTF-8
        raise InvalidClient("The Authorization header is malformed.") from error


def _decoded(text: str) -> str:
    # Encoded or not, as clients differ: form-encoding changes no character of an id or a key.
    return unquote_to_bytes(text.replace("+", " ")).decode()

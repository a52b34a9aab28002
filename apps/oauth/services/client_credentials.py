"""A client's credentials: its id, and an API key as its secret (RFC 6749, 2.3.1)."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from apps.api_keys.services.key_secrets import KeySecret
from apps.oauth.services.oauth_errors import InvalidClient, OAuthError

BASIC_SCHEME, BEARER_SCHEME = "basic", "bearer"
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
    """Return the bearer token of the Authorization header (RFC 6750, 2.1), or None."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == BEARER_SCHEME else None


def _in_header(authorization: str) -> ClientCredentials:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != BASIC_SCHEME:
        raise InvalidClient("Authenticate the client by HTTP Basic, or by client_id and client_secret in the form.")
    try:
        client_id, colon, secret = b64decode(value.strip(), validate=True).decode().partition(":")
        if not colon:
            raise InvalidClient
        return ClientCredentials(_decoded(client_id), _decoded(secret))
    except ValueError as error:  # neither Base64 nor UTF-8
        raise InvalidClient("The Authorization header is malformed.") from error


def _decoded(text: str) -> str:
    # Encoded or not, as clients differ: form-encoding changes no character of an id or a key.
    return unquote_to_bytes(text.replace("+", " ")).decode()

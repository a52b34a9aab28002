"""What a client shows of itself: its id, and an API key as its secret (RFC 6749, 2.3.1)."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from apps.api_keys.services.key_secrets import KeySecret
from apps.oauth.services.oauth_errors import InvalidClient, OAuthError

BASIC_SCHEME, BEARER_SCHEME = "basic", "bearer"
TWO_WAYS = "The client proves who it is in two ways at once."


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client's id, which is its key's id or visible prefix, and its secret, which is the key."""

    client_id: str
    secret: str = field(repr=False)

    def name(self, secret: KeySecret) -> bool:
        """Return whether the client's id is that of the key with this secret."""
        return self.client_id in (str(secret.key_id), secret.prefix)


def read_credentials(authorization: str, form: Mapping[str, str]) -> ClientCredentials | None:
    """Return what stands in the Authorization header (`client_secret_basic`) or in the form (`client_secret_post`).

    None when the client says nothing of itself, or only its id. Raises InvalidClient for what cannot be read, and
    OAuthError for a client that proves itself twice.
    """
    if authorization:
        credentials = _in_header(authorization)
        if "client_secret" in form or form.get("client_id", credentials.client_id) != credentials.client_id:
            raise OAuthError(TWO_WAYS)
        return credentials
    if "client_secret" not in form:
        return None
    if "client_id" not in form:
        raise InvalidClient("The client's secret came without its id.")
    return ClientCredentials(form["client_id"], form["client_secret"])


def bearer_of(authorization: str) -> str | None:
    """Return what is presented as a bearer token (RFC 6750, 2.1), or None."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == BEARER_SCHEME else None


def _in_header(authorization: str) -> ClientCredentials:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != BASIC_SCHEME:
        raise InvalidClient("A client proves who it is by HTTP Basic, or by client_id and client_secret in the form.")
    try:
        client_id, colon, secret = b64decode(value.strip(), validate=True).decode().partition(":")
        if not colon:
            raise InvalidClient
        return ClientCredentials(_decoded(client_id), _decoded(secret))
    except ValueError as error:  # neither Base64 nor UTF-8
        raise InvalidClient("The Authorization header cannot be read.") from error


def _decoded(text: str) -> str:
    # Encoded or not, as clients differ: ids and keys have no character that form-encoding changes.
    return unquote_to_bytes(text.replace("+", " ")).decode()

"""The fast path of `POST /keys/verify`: from the bytes of the request to its batch, without Django and Ninja.

It serves valid requests with an API key, which nearly all requests are. All others are left to the Ninja
operation, which reports errors; both give the same responses. Long bodies are left to it too: it authenticates the
client before it parses them, which is not possible here.
"""

import orjson
from pydantic import ValidationError

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.http.asgi import Scope
from apps.core.http.asgi_messages import RawResponse
from apps.core.http.json_codec import ANONYMOUS_BODY_BYTES_MAXIMUM
from apps.core.request_context import current_request
from apps.core.values.ip_addresses import parse_address
from apps.verification.dependencies import verification_service
from apps.verification.domain import Caller
from apps.verification.schemas.verification import VerifyRequest, response_json
from apps.verification.services.verification_service import query_of

JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
BEARER = b"Bearer "
# A request with more than one of these is left to the operation.
CREDENTIALS = {b"authorization", b"x-api-key"}


async def verify_fast_path(scope: Scope, body: bytes) -> RawResponse | None:
    """Return the response to a verification, or None to leave it to the operation."""
    if scope["method"] != "POST" or scope["query_string"] or len(body) > ANONYMOUS_BODY_BYTES_MAXIMUM:
        return None
    key = _callers_key(scope)
    request = _request(body) if key else None
    if key is None or request is None:
        return None
    address = current_request().client_address
    caller = Caller(digest_of(key), parse_address(address) if address else None, KEYS_VERIFY)
    query = query_of(request, caller=caller)
    verdict = await verification_service().decide(query)
    content = response_json(verdict, query.request_id) + b"\n"  # as JsonRenderer writes
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(content)).encode()),
    ]
    return RawResponse(200, headers, content)


def _callers_key(scope: Scope) -> str | None:
    """Return the only API key of the request; None for another credential, or a body that is not JSON."""
    key: str | None = None
    content_type: bytes | None = None
    for name, value in scope["headers"]:
        if name in CREDENTIALS:
            if key is not None:
                return None
            key = _key_in(name, value)
        elif name == b"content-type":
            if content_type is not None:
                return None
            content_type = value.lower()
    return key if key and content_type in JSON and is_well_formed(key) else None


def _key_in(name: bytes, value: bytes) -> str:
    if name == b"authorization":
        value = value[len(BEARER) :] if value.startswith(BEARER) else b""
    return value.decode("latin1")


def _request(body: bytes) -> VerifyRequest | None:
    try:
        return VerifyRequest.model_validate(orjson.loads(body))
    except (orjson.JSONDecodeError, ValidationError):
        return None

"""The fast path of `POST /keys/verify`: from the bytes of the request to its batch, without Django and Ninja.

It serves valid requests with an API key, which nearly all requests are. All others are left to the Ninja
operation, which reports errors; both give the same responses. Long bodies are left to it too: it authenticates the
client before it parses them, which is not possible here.
"""

import asyncio
from collections.abc import Mapping
from functools import partial

import orjson
from pydantic import ValidationError

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.errors import Unavailable
from apps.core.http.asgi_messages import RawResponse
from apps.core.http.error_responses import to_domain_error
from apps.core.http.inline_requests import InlineRequest
from apps.core.values.ip_addresses import parse_address
from apps.verification.dependencies import verification_service
from apps.verification.domain import Caller, Verdict
from apps.verification.schemas.verification import VerifyRequest, response_json

JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
BEARER = b"Bearer "


class VerifyOperation:
    """The inline operation of `POST /keys/verify`."""

    def begin(self, request: InlineRequest) -> bool:
        """Submit the query, or return False to leave the request to the Ninja operation."""
        key = _callers_key(request.fields)
        query = _query(request.body) if key else None
        if key is None or query is None:
            return False
        address = parse_address(request.client_address) if request.client_address else None
        caller = Caller(digest_of(key), address, KEYS_VERIFY)
        try:
            verdict, request_id = verification_service().submit(query, caller)
        except Unavailable as error:
            request.fail(error)
            return True
        request.on_disconnect = verdict.cancel
        verdict.add_done_callback(partial(_respond, request, request_id))
        return True


def _respond(request: InlineRequest, request_id: str, decided: "asyncio.Future[Verdict]") -> None:
    if decided.cancelled():
        return
    error = decided.exception()
    if error is not None:
        request.fail(to_domain_error(error))
        return
    content = response_json(decided.result(), request_id) + b"\n"  # as JsonRenderer writes
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(content)).encode()),
    ]
    request.respond(RawResponse(200, headers, content))


def _callers_key(fields: Mapping[bytes, bytes]) -> str | None:
    """Return the only API key of the request; None for another credential, or a body that is not JSON."""
    authorization, key = fields.get(b"authorization"), fields.get(b"x-api-key")
    if (authorization is None) == (key is None) or fields.get(b"content-type", b"").lower() not in JSON:
        return None
    if authorization is not None:
        key = authorization[len(BEARER) :] if authorization.startswith(BEARER) else b""
    text = (key or b"").decode("latin1")
    return text if is_well_formed(text) else None


def _query(body: bytes) -> VerifyRequest | None:
    try:
        return VerifyRequest.model_validate(orjson.loads(body))
    except (orjson.JSONDecodeError, ValidationError):
        return None

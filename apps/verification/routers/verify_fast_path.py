"""The fast path of `POST /keys/verify`: from the bytes of the request to its batch, without Django and Ninja.

It serves valid requests with an API key, which nearly all requests are. All others are left to the Ninja operation,
which reports errors; both give the same responses. Long bodies are left to it too: it authenticates the client before
it parses them, which is not possible here.
"""

from functools import lru_cache

import orjson
from pydantic import ValidationError

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.errors import Unavailable
from apps.core.http.error_responses import to_domain_error
from apps.core.http.inline_requests import InlineHead, InlineRequest
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import Caller, Verdict, VerificationQuery
from apps.verification.schemas.verification import VerifyRequest, response_json
from apps.verification.services.verification_service import VerificationService

JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
BEARER = b"Bearer "
CALLERS_CACHED = 4096
# A service repeats the same few calls for many keys: a call that has only these fields is validated once.
REPEATED = {"key", "cost", "operation", "units", "weight", "scopes", "tag"}
CALLS_CACHED = 1024


class VerifyOperation:
    """The inline operation of `POST /keys/verify`."""

    def __init__(self, verification: VerificationService) -> None:
        self._verification = verification

    def begin(self, request: InlineRequest) -> bool:
        """Submit the query, or return False to leave the request to the Ninja operation."""
        caller = request.head.prepared
        if caller is None:
            caller = request.head.prepared = _caller_of(request.head)
        parsed = _parsed(request.body) if caller else None
        if parsed is None:
            return False
        query = self._verification.query_of(*parsed, caller=caller)
        try:
            self._verification.submit(InlineVerification(query, request))
        except Unavailable as error:
            request.fail(error)
        return True


class InlineVerification:
    """A query that waits for its verdict, and the request that gets it."""

    __slots__ = ("item", "request")

    def __init__(self, query: VerificationQuery, request: InlineRequest) -> None:
        self.item = query
        self.request = request

    @property
    def is_cancelled(self) -> bool:
        """Whether the client has disconnected."""
        return self.request.is_disconnected

    def deliver(self, result: Verdict | Exception) -> None:
        """Send the response."""
        if isinstance(result, Exception):
            self.request.fail(to_domain_error(result))
            return
        # The line break is what JsonRenderer writes.
        self.request.respond_json(response_json(result, self.item.request_id) + b"\n")


def _caller_of(head: InlineHead) -> Caller | None:
    """Return the caller, who has one API key; None for another credential, or a body that is not JSON."""
    authorization, key = head.fields.get(b"authorization"), head.fields.get(b"x-api-key")
    if (authorization is None) == (key is None) or head.fields.get(b"content-type", b"").lower() not in JSON:
        return None
    if authorization is not None:
        key = authorization[len(BEARER) :] if authorization.startswith(BEARER) else b""
    text = (key or b"").decode("latin1")
    return _caller(digest_of(text), head.client_address) if is_well_formed(text) else None


@lru_cache(maxsize=CALLERS_CACHED)
def _caller(digest: bytes, address: str | None) -> Caller:
    # The same object for all connections of a client, so that a batch looks at it once.
    return Caller(digest, parse_address(address) if address else None, KEYS_VERIFY)


def _parsed(body: bytes) -> tuple[str, VerifyRequest] | None:
    """Return the key and the call in the body, or None if it is not valid."""
    try:
        content = orjson.loads(body)
        key = content["key"]
        if not isinstance(key, str):
            return None
        if content.keys() <= REPEATED:
            return key, _call(orjson.dumps({**content, "key": ""}))
        return key, VerifyRequest.model_validate(content)
    except (orjson.JSONEncodeError, orjson.JSONDecodeError, LookupError, TypeError, ValidationError):
        return None


@lru_cache(maxsize=CALLS_CACHED)
def _call(body: bytes) -> VerifyRequest:
    return VerifyRequest.model_validate(orjson.loads(body))

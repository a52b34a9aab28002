"""Retries of verifications: which request is one, and what it gets.

A request id belongs to its caller and to the verified key, and it names one query. Source:
draft-ietf-httpapi-idempotency-key-header, 2.7, which leaves the status of another request with the key to the server.
"""

from hashlib import sha256

import orjson

from apps.core.errors import Conflict
from apps.verification.domain import Code, IdempotencyRecord, KeyRecord, Verdict, VerificationQuery

FINGERPRINT_BYTES = 16
TOO_LATE = (
    "The first request with this request_id was decided too long ago for a retry. It stands, and nothing more was "
    "charged. Use a new request_id for another call."
)


class RequestIdReused(Conflict):
    """The caller has used the `request_id` for this key before: for another query, or too long ago for a retry."""

    code = "REQUEST_ID_REUSED"
    message = "The request_id was used for another query about this key. Nothing was charged. Use a new request_id."


def fingerprint_of(query: VerificationQuery) -> bytes:
    """Return a digest of the query, without the key and the request id."""
    parts = [
        str(query.cost.normalize()),
        query.weight,
        query.scopes,
        str(query.address),
        query.has_unreadable_address,
        query.tag,
        *((query.operation, query.units) if query.operation else ()),
    ]
    return sha256(orjson.dumps(parts)).digest()[:FINGERPRINT_BYTES]


def stored_verdict(first: IdempotencyRecord, record: KeyRecord) -> Verdict:
    """Return the verdict of the first request."""
    return Verdict(Code(orjson.loads(first.response)["code"]), record, stored_response=first.response)

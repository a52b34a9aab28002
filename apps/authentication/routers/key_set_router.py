"""`/.well-known/jwks.json`."""

from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from ninja import Status

from apps.authentication.dependencies import key_ring
from apps.authentication.schemas.signing_key import KeySet
from apps.authentication.services.signing_keys import KEY_SET_SECONDS
from apps.core.http.responses import Router

router = Router(tags=["authentication"])


@router.get("/.well-known/jwks.json", auth=None, response={200: KeySet, 304: None})
async def get_key_set(request: HttpRequest, response: HttpResponse) -> Status[dict[str, Any] | None]:
    """Return the public keys that verify access tokens offline (RFC 7517).

    The set changes when the signing key is rotated. Until then, the response to `If-None-Match` with its `ETag` is 304.
    """
    key_set = await key_ring().jwks()
    response["Cache-Control"] = f"public, max-age={KEY_SET_SECONDS}"
    response["ETag"] = etag = _etag(key_set)
    return Status(304, None) if _is_unchanged(etag, request) else Status(200, key_set)


def _etag(key_set: dict[str, Any]) -> str:
    # A key never changes under its id.
    kids = ",".join(key["kid"] for key in key_set["keys"])
    return f'"{sha256(kids.encode()).hexdigest()[:32]}"'


def _is_unchanged(etag: str, request: HttpRequest) -> bool:
    # Weak comparison (RFC 9110, 13.1.2): a proxy that has compressed the response marks the tag as weak.
    cached = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in cached or etag in {each.removeprefix("W/") for each in cached}

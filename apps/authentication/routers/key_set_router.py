"""`/.well-known/jwks.json`."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from apps.authentication.dependencies import key_ring
from apps.authentication.schemas.key_set import KeySet
from apps.core.http.responses import errors

KEY_SET_SECONDS = 300

router = Router(tags=["authentication"])


@router.get("/.well-known/jwks.json", auth=None, response={200: KeySet, **errors()})
async def get_key_set(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    """Read the public keys that verify access tokens offline (RFC 7517)."""
    response["Cache-Control"] = f"public, max-age={KEY_SET_SECONDS}"
    return await key_ring().jwks()

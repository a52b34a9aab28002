"""`/.well-known/oauth-authorization-server`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.core.http.responses import Router
from apps.oauth.schemas.server_metadata import ServerMetadata
from apps.oauth.services.metadata import metadata_of

router = Router(tags=["oauth"])

METADATA_SECONDS = 3600


@router.get("/.well-known/oauth-authorization-server", auth=None, response={200: ServerMetadata})
async def get_server_metadata(request: HttpRequest, response: HttpResponse) -> ServerMetadata:
    """Read where the OAuth endpoints are, and what they take (RFC 8414)."""
    response["Cache-Control"] = f"public, max-age={METADATA_SECONDS}"
    return metadata_of(settings.TOKEN_ISSUER, settings.PUBLIC_URL)

"""`/oauth`, and `/.well-known/oauth-authorization-server`."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.core.authorization.principal import Principal
from apps.core.http.responses import Router
from apps.core.rate_limits.request_limits import limit_by_address
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.core.schemas.common_responses import ErrorResponse
from apps.oauth.dependencies import (
    caller_authentication,
    client_authentication,
    introspection,
    revocation,
    token_exchange,
)
from apps.oauth.routers.oauth_request import authorization_of, form_body, read_form, with_oauth_errors
from apps.oauth.schemas.oauth_token import IntrospectionOut, OAuthErrorOut, TokenOut
from apps.oauth.schemas.server_metadata import ServerMetadata
from apps.oauth.services.client_credentials import read_credentials
from apps.oauth.services.oauth_errors import OAuthError

router = Router(tags=["oauth"])
metadata_router = Router(tags=["oauth"])

METADATA_SECONDS = 3600
GRANT_FIELDS = {"grant_type": "`client_credentials`", "scope": "the requested scopes, separated by spaces"}
CLIENT_FIELDS = {
    "client_id": "the API key's id or visible prefix, unless the client authenticates by HTTP Basic",
    "client_secret": "the API key, unless the client authenticates by HTTP Basic",
}
TOKEN_FIELDS = {"token": "the token", "token_type_hint": "accepted and ignored, because the token shows its own type"}
ADDRESS_FIELD = {"ip": "the address that presented the token; needed for keys that are restricted to addresses"}
# The API application refuses a body over a mebibyte before the URL is resolved, with its own error envelope.
ERROR_RESPONSES: dict[Any, Any] = {frozenset({400, 401, 429, 500, 503}): OAuthErrorOut, 413: ErrorResponse}


@metadata_router.get("/.well-known/oauth-authorization-server", auth=None, response={200: ServerMetadata})
async def get_server_metadata(request: HttpRequest, response: HttpResponse) -> ServerMetadata:
    """Return the OAuth endpoints and what they support (RFC 8414)."""
    response["Cache-Control"] = f"public, max-age={METADATA_SECONDS}"
    # The operator's settings, never the Host header of a request.
    return ServerMetadata.of(settings.TOKEN_ISSUER, settings.PUBLIC_URL)


@router.post(
    "/token",
    auth=None,
    response={200: TokenOut, **ERROR_RESPONSES},
    openapi_extra=form_body("grant_type", {**GRANT_FIELDS, **CLIENT_FIELDS}),
)
@with_oauth_errors
async def exchange_key(request: HttpRequest, response: HttpResponse) -> TokenOut:
    """Exchange an API key for a 15-minute access token that other services verify offline (RFC 6749, 4.4; RFC 9068).

    The client id is the key's id or its visible prefix, and the client secret is the key. Send them by HTTP Basic or in
    the form.
    Without `scope` the token has the key's scopes, except those that Keyhouse itself checks. The exchange is a use of
    the key and counts against its rate limits. Rate limited per client address.
    """
    await limit_by_address(request, "key-exchange")
    exchange = await token_exchange().exchange(authorization_of(request), read_form(request))
    if exchange.rate_limits:
        record_rate_limits(request, exchange.rate_limits)
    response["Cache-Control"], response["Pragma"] = "no-store", "no-cache"
    return exchange.token


@router.post(
    "/introspect",
    auth=None,
    response={200: IntrospectionOut, **ERROR_RESPONSES},
    exclude_none=True,
    openapi_extra=form_body("token", {**TOKEN_FIELDS, **ADDRESS_FIELD, **CLIENT_FIELDS}),
)
@with_oauth_errors
async def introspect_token(request: HttpRequest) -> IntrospectionOut:
    """Return whether a token or an API key is active, and its scopes (RFC 7662). Nothing is counted.

    Authenticate with an API key, by HTTP Basic, in the form or as a bearer token, or with an access token as a bearer
    token. Without the scope `tokens:introspect` only tokens of the caller's own key or session can be introspected.
    The response for any other token, and for one that is not active, is `{"active": false}`. Failed authentication is
    rate limited per client address.
    """
    form = read_form(request)
    caller = await _authenticated_caller(request, form)
    return await introspection().introspect(caller, _token_in(form), form.get("ip"))


@router.post(
    "/revoke",
    auth=None,
    response={200: None, **ERROR_RESPONSES},
    openapi_extra=form_body("token", {**TOKEN_FIELDS, **CLIENT_FIELDS}),
)
@with_oauth_errors
async def revoke_token(request: HttpRequest) -> HttpResponse:
    """Revoke a token (RFC 7009). The response for an unknown or expired token is 200 too.

    A session's refresh or access token ends its session, and needs no client authentication. A token that was issued
    for an API key can be revoked only by that key; Keyhouse refuses it at once, and services that verify it offline
    accept it until it expires. An API key is not a token (`unsupported_token_type`). Rate limited per client address.
    """
    await limit_by_address(request, "token-revocation")
    form = read_form(request)
    credentials = read_credentials(authorization_of(request), form)
    client = await client_authentication().authenticate(credentials) if credentials else None
    await revocation().revoke(client, _token_in(form))
    return HttpResponse()


async def _authenticated_caller(request: HttpRequest, form: dict[str, str]) -> Principal:
    callers = caller_authentication()
    try:
        return await callers.authenticate(authorization_of(request), form)
    except OAuthError as failure:
        # A service introspects once for each request it serves, all from one address, so only failures are counted;
        # beyond the limit they are not recorded either.
        await limit_by_address(request, "oauth-introspect")
        await callers.record(failure)
        raise


def _token_in(form: dict[str, str]) -> str:
    if "token" not in form:
        raise OAuthError("The parameter token is missing.")
    return form["token"]

"""`/oauth`: tokens for API keys, and what becomes of tokens."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.core.authorization.principal import Principal
from apps.core.http.responses import Router
from apps.core.rate_limits.address_limits import limit_by_address
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.core.schemas.error_response import ErrorResponse
from apps.core.values.ip_addresses import parse_address
from apps.oauth.dependencies import (
    caller_authentication,
    client_authentication,
    introspection,
    revocation,
    token_exchange,
)
from apps.oauth.routers.form_bodies import CLIENT, TOKEN, form_body
from apps.oauth.routers.oauth_request import answers_in_oauth, authorization_of, read_form
from apps.oauth.schemas.oauth_token import IntrospectionOut, OAuthErrorOut, TokenOut
from apps.oauth.services.client_credentials import read_credentials
from apps.oauth.services.oauth_errors import OAuthError

router = Router(tags=["oauth"])

GRANT = {"grant_type": "`client_credentials`", "scope": "what the token is to be good for, with spaces between"}
CALLER_ADDRESS = {"ip": "the address that the token came from, for keys that are good from some addresses only"}
# A body of over a mebibyte is refused by the door, before it is known what it is for.
REFUSALS: dict[Any, Any] = {frozenset({400, 401, 429, 500, 503}): OAuthErrorOut, 413: ErrorResponse}


@router.post(
    "/token",
    auth=None,
    response={200: TokenOut, **REFUSALS},
    openapi_extra=form_body("grant_type", {**GRANT, **CLIENT}),
)
@answers_in_oauth
async def exchange_key(request: HttpRequest, response: HttpResponse) -> TokenOut:
    """Exchange an API key for a token of 15 minutes, which other services verify offline (RFC 6749, 4.4; RFC 9068).

    The client's id is the key's id or its visible prefix, the client's secret is the key: by HTTP Basic, or in the
    form. Without `scope` the token has the key's scopes, but for those that Keyhouse itself acts on. The exchange is a
    use of the key and counts against its limits. Limited per client address.
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
    response={200: IntrospectionOut, **REFUSALS},
    exclude_none=True,
    openapi_extra=form_body("token", {**TOKEN, **CALLER_ADDRESS, **CLIENT}),
)
@answers_in_oauth
async def introspect_token(request: HttpRequest) -> IntrospectionOut:
    """Ask what a token or an API key is worth at this moment (RFC 7662); nothing is counted.

    The caller is an API key, by HTTP Basic, in the form or as a bearer, or an access token as a bearer. Without the
    scope `tokens:introspect` it may ask about tokens of its own key or session. A token that does not count, or that
    the caller may not ask about, is answered with `{"active": false}`. Callers who fail to prove who they are, are
    limited per client address.
    """
    form = read_form(request)
    caller = await _caller(request, form)
    return await introspection().introspect(caller, _token_in(form), _address_in(form))


@router.post(
    "/revoke",
    auth=None,
    response={200: None, **REFUSALS},
    openapi_extra=form_body("token", {**TOKEN, **CLIENT}),
)
@answers_in_oauth
async def revoke_token(request: HttpRequest) -> HttpResponse:
    """Call a token back (RFC 7009); 200 also for one that is unknown or over.

    A session's refresh or access token ends its session, and needs nothing but the token. A token that a key was
    exchanged for is called back by its key alone; Keyhouse believes it no more, and services that verify it offline
    believe it until it expires. An API key is no token (`unsupported_token_type`). Limited per client address.
    """
    await limit_by_address(request, "token-revocation")
    form = read_form(request)
    credentials = read_credentials(authorization_of(request), form)
    client = await client_authentication().authenticate(credentials) if credentials else None
    await revocation().revoke(client, _token_in(form))
    return HttpResponse()


async def _caller(request: HttpRequest, form: dict[str, str]) -> Principal:
    # Services ask for each request that they serve, all from one address, so only what fails counts.
    count_failure = partial(limit_by_address, request, "oauth-introspect")
    return await caller_authentication().authenticate(authorization_of(request), form, count_failure)


def _token_in(form: dict[str, str]) -> str:
    if "token" not in form:
        raise OAuthError("The parameter token is missing.")
    return form["token"]


def _address_in(form: dict[str, str]) -> str | None:
    if "ip" in form and parse_address(form["ip"]) is None:
        raise OAuthError("The parameter ip is not an IP address.")
    return form.get("ip")

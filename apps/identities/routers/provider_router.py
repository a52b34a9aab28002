"""`/auth/oauth`: signing in with other providers."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from ninja import Query, Status

from apps.authentication.schemas.login import SecondFactorNeeded, TokenPair
from apps.core.errors import MalformedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import LOGIN, limit_by_address
from apps.identities.dependencies import authorization_start, federated_sign_in, provider_callback, providers
from apps.identities.schemas.provider import CallbackQuery, CodeExchange, ProviderOut, ProvidersOut, StartQuery
from apps.identities.services.authorization_start import BrowserCookie

router = Router(tags=["authentication"])


@router.get("/providers", auth=None, response={200: ProvidersOut})
async def list_providers(request: HttpRequest) -> ProvidersOut:
    """List the providers that the operator has configured for sign-in."""
    return ProvidersOut(items=[ProviderOut(name=one.name, label=one.label) for one in providers().all()])


@router.get(
    "/{provider}/start", auth=None, response={303: None, **errors(404, 429)}, summary="Start Sign-In With Provider"
)
async def start_sign_in(request: HttpRequest, provider: str, query: Query[StartQuery]) -> HttpResponse:
    """Redirect the browser to a provider. Open this URL in the browser.

    `return_to` must be a URL that the operator has allowed. The browser returns to `return_to#code=…`, or to
    `return_to#error=…&error_description=…` with ACCESS_DENIED, PROVIDER_UNAVAILABLE, PROVIDER_REFUSED,
    PROVIDER_ANSWER_INVALID or PROVIDER_AUTHENTICATION_STALE, and a sentence for people.

    To re-authenticate with the provider, send the `max_age` of the challenge that refused the request. The session that
    then starts counts as re-authenticated from the moment at which the provider authenticated its user; without that
    moment it does not, and `max_age` ends in PROVIDER_AUTHENTICATION_STALE. Rate limited per client address.
    """
    await limit_by_address(request, "provider-start")
    redirect = await authorization_start().begin(provider, query)
    response = _see_other(redirect.url)
    if redirect.cookie:
        _set_cookie(response, redirect.cookie)
    return response


@router.get(
    "/{provider}/callback",
    auth=None,
    response={303: None, **errors(400, 404, 429)},
    summary="Return From Provider",
)
async def end_sign_in(request: HttpRequest, provider: str, query: Query[CallbackQuery]) -> HttpResponse:
    """Receive the browser from a provider. Only providers redirect browsers to this URL."""
    await limit_by_address(request, "provider-callback")
    _require_single(request)
    response = _see_other(await provider_callback().end(provider, query, request.COOKIES))
    _drop_cookie(response, provider_callback().cookie_name(query.state))
    return response


@router.post(
    "/token",
    auth=None,
    response={200: TokenPair, 202: SecondFactorNeeded, **errors(401, 403, 409, 429)},
    summary="Complete Sign-In With Provider",
)
async def redeem_code(request: HttpRequest, exchange: CodeExchange) -> Status[TokenPair | SecondFactorNeeded]:
    """Sign in with the code from the fragment, which is valid once and for a minute. Rate limited per client address.

    If the account has a second factor, the response is 202, with the token that completes the sign-in.
    """
    await limit_by_address(request, "provider-token", LOGIN)
    outcome = await federated_sign_in().sign_in(exchange)
    return Status(202 if isinstance(outcome, SecondFactorNeeded) else 200, outcome)


def _see_other(url: str) -> HttpResponse:
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": url})


def _require_single(request: HttpRequest) -> None:
    # RFC 6749, 3.1: a parameter must not be repeated, because some parsers use the first value and some the last.
    if any(len(values) > 1 for name, values in request.GET.lists() if name in CallbackQuery.model_fields):
        raise MalformedRequest("A query parameter is repeated. Send each once.")


def _set_cookie(response: HttpResponse, cookie: BrowserCookie) -> None:
    # Lax: it is sent when the provider redirects back here, and with no request that another site's page makes.
    response.set_cookie(
        cookie.name,
        cookie.secret,
        max_age=cookie.lifetime_seconds,
        secure=cookie.name.startswith("__Host-"),
        httponly=True,
        samesite="Lax",
    )


def _drop_cookie(response: HttpResponse, name: str) -> None:
    response.set_cookie(name, "", max_age=0, secure=name.startswith("__Host-"), httponly=True, samesite="Lax")

"""Redirects browsers to a provider, and back to the application."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlencode

from apps.core.errors import ValidationFailed
from apps.core.values.api_contract import API_PATH
from apps.identities.domain.provider import Profile, ProviderError
from apps.identities.schemas.provider import StartQuery
from apps.identities.services import browser_binding
from apps.identities.services.provider_clients import AuthorizationRequest, Providers
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens

logger = logging.getLogger("keyhouse.identities")


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """The cookie that binds a sign-in to the browser until the provider redirects back."""

    name: str
    secret: str = field(repr=False)
    lifetime_seconds: int


@dataclass(frozen=True, slots=True)
class AuthorizationRedirect:
    """The URL to redirect the browser to, and its cookie, which is None when the sign-in has already failed."""

    url: str
    cookie: BrowserCookie | None = None


class ReturnRedirect:
    """Adds the outcome to the fragment of the application's URL, which browsers do not send to servers."""

    def __init__(self, codes: OneTimeTokens) -> None:
        self._codes = codes

    async def signed_in(self, return_to: str, profile: Profile, code_challenge: str) -> str:
        """Return the URL with a one-time code for the profile, without a token."""
        data = {"profile": profile.as_data(), "code_challenge": code_challenge}
        code = await self._codes.issue_another(None, data)
        return f"{return_to}#{urlencode({'code': code})}"

    def refused(self, return_to: str, provider: str, error: ProviderError) -> str:
        """Return the URL with the error's code and its message for people, and log the reason."""
        logger.warning("sign-in with %s: %s (%s)", provider, error.code, error.reason or "no reason given")
        return f"{return_to}#{urlencode({'error': error.code, 'error_description': error.public_message})}"


class AuthorizationStart:
    """Begins sign-ins. `own_url` is Keyhouse's URL as configured by the operator, not as named by the request."""

    def __init__(
        self,
        providers: Providers,
        states: OneTimeTokens,
        back: ReturnRedirect,
        own_url: str,
        allowlist: Collection[str],
    ) -> None:
        self._providers = providers
        self._states = states
        self._back = back
        self._own_url = own_url
        self._allowlist = frozenset(allowlist)

    async def begin(self, name: str, query: StartQuery) -> AuthorizationRedirect:
        """Return the redirect to the provider; raises NotFound, ValidationFailed unless `return_to` is an allowed URL.

        If the provider is unavailable, the redirect leads back to the application, with the error code.
        """
        client = self._providers.client(name)
        if query.return_to not in self._allowlist:
            raise ValidationFailed.of("return_to", "must be one of the URLs that the operator has allowed")
        secret = browser_binding.new_secret()
        # The state is stored before the provider is called, so that no connection waits for the provider.
        data = {"provider": name, "browser": browser_binding.digest_of(secret), **query.model_dump()}
        state = await self._states.issue_another(None, data)
        try:
            url = await client.authorization_url(self._request(name, state, secret, query.max_age))
        except ProviderError as error:
            return AuthorizationRedirect(self._back.refused(query.return_to, name, error))
        cookie_name = browser_binding.cookie_name(state, is_https=self._own_url.startswith("https:"))
        return AuthorizationRedirect(url, BrowserCookie(cookie_name, secret, self._states.ttl_seconds))

    def _request(self, name: str, state: str, secret: str, max_age: int | None) -> AuthorizationRequest:
        return AuthorizationRequest(
            redirect_uri=callback_url(self._own_url, name),
            state=state,
            nonce=browser_binding.nonce_of(secret, state),
            code_challenge=browser_binding.challenge_of(browser_binding.verifier_of(secret, state)),
            max_age=max_age,
        )


def callback_url(own_url: str, name: str) -> str:
    """Return the redirect URI of a provider, which no other provider shares (RFC 9700, 4.4.2.2)."""
    return f"{own_url}{API_PATH}/auth/oauth/{name}/callback"

"""The way to a provider."""

from collections.abc import Collection
from dataclasses import dataclass, field

from apps.core.errors import ValidationFailed
from apps.core.values.api_path import API_PATH
from apps.identities.schemas.provider import StartQuery
from apps.identities.services import browser_binding
from apps.identities.services.code_challenge import challenge_of
from apps.identities.services.provider_client import AuthorizationRequest
from apps.identities.services.provider_errors import ProviderError
from apps.identities.services.providers import Providers
from apps.identities.services.return_redirect import ReturnRedirect
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """What the browser has to keep until it comes back."""

    name: str
    secret: str = field(repr=False)
    lifetime_seconds: int


@dataclass(frozen=True, slots=True)
class AuthorizationRedirect:
    """Where to send the browser, and what it has to keep; nothing where it is led back at once."""

    url: str
    cookie: BrowserCookie | None = None


class AuthorizationStart:
    """Begins sign-ins. `own_url` is Keyhouse's address as the operator has named it, whatever the request says."""

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
        """Return the provider's page; raises NotFound, ValidationFailed unless `return_to` is exactly one allowed.

        A provider that is away leads straight back, with its code.
        """
        client = self._providers.client(name)
        if query.return_to not in self._allowlist:
            raise ValidationFailed.of("return_to", "is not one of the addresses that the operator has allowed")
        secret = browser_binding.new_secret()
        # The state is drawn and stored before the provider is asked anything, so that no connection waits for it.
        data = {"provider": name, "browser": browser_binding.digest_of(secret), **query.model_dump()}
        state = await self._states.issue_alone(None, data)
        try:
            url = await client.authorization_url(self._request(name, state, secret))
        except ProviderError as error:
            return AuthorizationRedirect(self._back.refused(query.return_to, name, error))
        cookie_name = browser_binding.cookie_name(state, is_https=self._own_url.startswith("https:"))
        return AuthorizationRedirect(url, BrowserCookie(cookie_name, secret, self._states.ttl_seconds))

    def _request(self, name: str, state: str, secret: str) -> AuthorizationRequest:
        return AuthorizationRequest(
            redirect_uri=callback_url(self._own_url, name),
            state=state,
            nonce=browser_binding.nonce_of(secret, state),
            code_challenge=challenge_of(browser_binding.verifier_of(secret, state)),
        )


def callback_url(own_url: str, name: str) -> str:
    """Return the redirect URI of a provider, which is no other provider's (RFC 9700, 4.4.2.2)."""
    return f"{own_url}{API_PATH}/auth/oauth/{name}/callback"

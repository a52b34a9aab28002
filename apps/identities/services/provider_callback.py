"""Handles a provider's redirect back to Keyhouse."""

import asyncio
from collections.abc import Mapping
from typing import Any

from apps.core.errors import InvalidToken
from apps.identities.domain.provider import InvalidProviderResponse, Profile, ProviderError, ProviderUnavailable
from apps.identities.schemas.provider import CallbackQuery
from apps.identities.services import browser_binding
from apps.identities.services.authorization_start import ReturnRedirect, callback_url
from apps.identities.services.provider_clients import AuthorizationCode, ProviderClient, Providers, callback_refusal
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens

CALLBACK_SECONDS = 10.0  # for all requests to the provider together


class InvalidState(InvalidToken):
    """The state was issued to another browser, has expired, or has been used."""

    code, message = "INVALID_STATE", "This sign-in is invalid or has expired. Start it again."


class ProviderCallback:
    """Completes sign-ins at the provider."""

    def __init__(self, providers: Providers, states: OneTimeTokens, back: ReturnRedirect, own_url: str) -> None:
        self._providers = providers
        self._states = states
        self._back = back
        self._own_url = own_url

    def cookie_name(self, state: str) -> str:
        """Return the name of the cookie that belongs to this state."""
        return browser_binding.cookie_name(state, is_https=self._own_url.startswith("https:"))

    async def end(self, name: str, query: CallbackQuery, cookies: Mapping[str, str]) -> str:
        """Return the URL to redirect the browser to, with a code or an error.

        Raises InvalidState unless this browser was redirected to this provider with this state. The
        state is spent in every case.
        """
        begun = await self._states.spend(query.state)
        secret = cookies.get(self.cookie_name(query.state), "")
        if begun is None or not _is_of_this_browser(begun.data, name, secret):
            raise InvalidState
        return_to = begun.data["return_to"]
        try:
            profile = await self._profile(self._providers.client(name), query, secret, begun.data.get("max_age"))
        except ProviderError as error:
            return self._back.refused(return_to, name, error)
        return await self._back.signed_in(return_to, profile, begun.data["code_challenge"])

    async def _profile(self, client: ProviderClient, query: CallbackQuery, secret: str, max_age: int | None) -> Profile:
        try:
            async with asyncio.timeout(CALLBACK_SECONDS):
                await client.require_issuer(query.iss)
                return await client.profile(self._code_of(client, query, secret, max_age))
        except TimeoutError as error:
            raise ProviderUnavailable("too slow") from error

    def _code_of(
        self, client: ProviderClient, query: CallbackQuery, secret: str, max_age: int | None
    ) -> AuthorizationCode:
        if query.error is not None:
            raise callback_refusal(query.error, query.error_description)
        if not query.code:
            raise InvalidProviderResponse("no code")
        return AuthorizationCode(
            code=query.code,
            redirect_uri=callback_url(self._own_url, client.provider.name),
            nonce=browser_binding.nonce_of(secret, query.state),
            code_verifier=browser_binding.verifier_of(secret, query.state),
            max_age=max_age,
        )


def _is_of_this_browser(begun: Mapping[str, Any], name: str, secret: str) -> bool:
    return begun["provider"] == name and browser_binding.is_secret_of(secret, begun["browser"])

"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_trail
from apps.authentication.dependencies import sign_in
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.services.account_linking import AccountLinking
from apps.identities.services.authorization_start import AuthorizationStart, ReturnRedirect
from apps.identities.services.federated_sign_in import FederatedSignIn
from apps.identities.services.identity_service import IdentityService
from apps.identities.services.provider_callback import ProviderCallback
from apps.identities.services.provider_clients import Providers
from apps.identities.services.provider_http import ProviderHttp
from apps.one_time_tokens.dependencies import tokens_for
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.second_factors.dependencies import factor_rights
from apps.users.dependencies import accounts, federated_registration, security_notifier, user_service

STATE_SECONDS = 10 * 60
CODE_SECONDS = 60


@cache
def providers() -> Providers:
    """Return the configured providers."""
    return Providers(settings.OAUTH_PROVIDERS, ProviderHttp())


@cache
def authorization_start() -> AuthorizationStart:
    """Return the service that begins sign-ins with providers."""
    allowlist = settings.OAUTH_REDIRECT_ALLOWLIST
    return AuthorizationStart(providers(), sign_in_states(), return_redirect(), settings.PUBLIC_URL, allowlist)


@cache
def provider_callback() -> ProviderCallback:
    """Return the service that ends sign-ins with providers."""
    return ProviderCallback(providers(), sign_in_states(), return_redirect(), settings.PUBLIC_URL)


@cache
def federated_sign_in() -> FederatedSignIn:
    """Return the service that redeems the codes of sign-ins."""
    return FederatedSignIn(sign_in_codes(), account_linking(), sign_in(), factor_rights())


@cache
def account_linking() -> AccountLinking:
    """Return the service that finds, links and creates accounts."""
    return AccountLinking(
        IdentityRepository(), accounts(), federated_registration(), audit_trail(), security_notifier()
    )


@cache
def identity_service() -> IdentityService:
    """Return the service that lists and unlinks identities."""
    return IdentityService(
        IdentityRepository(),
        user_service(),
        accounts(),
        providers(),
        factor_rights(),
        audit=audit_trail(),
        notifier=security_notifier(),
    )


@cache
def return_redirect() -> ReturnRedirect:
    """Return the service that sends browsers back to the application."""
    return ReturnRedirect(sign_in_codes())


@cache
def sign_in_states() -> OneTimeTokens:
    """Return the one-time tokens that identify sign-ins in progress."""
    return tokens_for("oauth_state", STATE_SECONDS)


@cache
def sign_in_codes() -> OneTimeTokens:
    """Return the one-time tokens that the application exchanges for a session or a link."""
    return tokens_for("oauth_code", CODE_SECONDS)

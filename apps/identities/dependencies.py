"""Builds this room's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.authentication.dependencies import sign_in
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.services.account_linking import AccountLinking
from apps.identities.services.authorization_start import AuthorizationStart
from apps.identities.services.federated_sign_in import FederatedSignIn
from apps.identities.services.identity_data import IdentityData
from apps.identities.services.identity_service import IdentityService
from apps.identities.services.provider_callback import ProviderCallback
from apps.identities.services.provider_http import ProviderHttp
from apps.identities.services.providers import Providers
from apps.identities.services.return_redirect import ReturnRedirect
from apps.one_time_tokens.dependencies import one_time_tokens
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.second_factors.dependencies import factor_rights
from apps.users.dependencies import registration, security_notices, user_service

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
    """Return the service that redeems what came of them."""
    return FederatedSignIn(sign_in_codes(), account_linking(), sign_in(), factor_rights())


@cache
def account_linking() -> AccountLinking:
    """Return the service that finds, links and makes accounts."""
    audit = audit_service()
    return AccountLinking(
        IdentityRepository(), user_service(), registration(), security_notices().post, audit.record, audit.note
    )


@cache
def identity_service() -> IdentityService:
    """Return the service that shows and unlinks identities."""
    return IdentityService(
        IdentityRepository(),
        user_service(),
        providers(),
        factor_rights(),
        security_notices().post,
        audit_service().record,
    )


@cache
def identity_data() -> IdentityData:
    """Return what exports and erases identities."""
    return IdentityData(IdentityRepository())


@cache
def return_redirect() -> ReturnRedirect:
    """Return what leads browsers back."""
    return ReturnRedirect(sign_in_codes())


@cache
def sign_in_states() -> OneTimeTokens:
    """Return the tokens that stand for a sign-in that is under way."""
    return one_time_tokens("oauth_state", STATE_SECONDS)


@cache
def sign_in_codes() -> OneTimeTokens:
    """Return the tokens that stand for somebody whom a provider has named."""
    return one_time_tokens("oauth_code", CODE_SECONDS)

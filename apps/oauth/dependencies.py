"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.api_keys.dependencies import key_secrets
from apps.audit.dependencies import audit_trail
from apps.authentication.dependencies import key_ring, session_service, session_tokens
from apps.authentication.services.signed_tokens import SignedTokens
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.client_authentication import CallerAuthentication, ClientAuthentication
from apps.oauth.services.client_tokens import (
    CLIENT_TOKEN_KIND,
    ActiveClientTokens,
    ClientTokenAuthentication,
    ClientTokens,
)
from apps.oauth.services.introspection import Introspection
from apps.oauth.services.revocation import Revocation
from apps.oauth.services.token_exchange import TokenExchange
from apps.verification.dependencies import key_authentication


@cache
def client_tokens() -> ClientTokens:
    """Return the service that issues and reads the tokens of clients."""
    signed = SignedTokens(
        key_ring(),
        CLIENT_TOKEN_KIND,
        issuer=settings.TOKEN_ISSUER,
        audience=settings.TOKEN_AUDIENCE,
        resources=settings.TOKEN_RESOURCES,
    )
    return ClientTokens(signed)


@cache
def active_client_tokens() -> ActiveClientTokens:
    """Return the service that finds clients' tokens that are not revoked."""
    return ActiveClientTokens(client_tokens(), RevokedTokenRepository(), key_secrets())


@cache
def client_authentication() -> ClientAuthentication:
    """Return the authentication of clients."""
    return ClientAuthentication(key_secrets(), key_authentication(), audit_trail())


@cache
def client_token_authentication() -> ClientTokenAuthentication:
    """Return the authentication by clients' tokens on Keyhouse's own API."""
    return ClientTokenAuthentication(active_client_tokens(), key_authentication())


@cache
def caller_authentication() -> CallerAuthentication:
    """Return the authentication of callers that introspect tokens."""
    return CallerAuthentication(
        client_authentication(), key_authentication(), client_token_authentication(), session_service()
    )


@cache
def token_exchange() -> TokenExchange:
    """Return the service that issues tokens for API keys."""
    own = dict.fromkeys((settings.PUBLIC_URL, settings.TOKEN_AUDIENCE), settings.TOKEN_AUDIENCE)
    audiences = {**{name: name for name in settings.TOKEN_RESOURCES}, **own}
    return TokenExchange(client_authentication(), client_tokens(), audit_trail(), audiences)


@cache
def introspection() -> Introspection:
    """Return the service that introspects tokens."""
    return Introspection(session_tokens(), client_tokens(), active_client_tokens(), key_authentication())


@cache
def revocation() -> Revocation:
    """Return the service that revokes tokens."""
    return Revocation(session_tokens(), session_service(), client_tokens(), RevokedTokenRepository(), audit_trail())

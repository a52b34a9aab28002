"""Authenticates clients, which are API keys, by the same checks as every other use of a key.

Introspection also accepts a key or an access token as bearer token (RFC 7662, 2.1).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apps.api_keys.services.key_format import KEY_START
from apps.api_keys.services.key_secrets import KeySecret, KeySecrets
from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.services.session_service import SessionService
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotAllowed
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.request_context import current_request
from apps.oauth.services.client_credentials import SEVERAL_METHODS, ClientCredentials, bearer_of, read_credentials
from apps.oauth.services.client_tokens import ClientTokenAuthentication
from apps.oauth.services.oauth_errors import (
    ClientLimited,
    InvalidBearerToken,
    InvalidClient,
    InvalidScope,
    OAuthError,
    RefusedClient,
)
from apps.verification.services.key_authentication import KeyAuthentication, KeyAuthenticationResult


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated key, the secret that it presented, and the status of its rate limits after this call."""

    principal: Principal
    secret: KeySecret
    rate_limits: Sequence[RateLimitStatus]


class ClientAuthentication:
    """Authenticates clients by their keys. The owner's audit trail records that a valid secret was refused."""

    def __init__(self, secrets: KeySecrets, keys: KeyAuthentication, audit: AuditTrail) -> None:
        self._secrets = secrets
        self._keys = keys
        self._audit = audit

    async def authenticate(self, credentials: ClientCredentials | None) -> Principal:
        """Return the client's key, without counting a call; raises InvalidClient."""
        async with self._recording_refusals():
            return await self.identify(credentials)

    async def identify(self, credentials: ClientCredentials | None) -> Principal:
        """Authenticate without recording refusals: the caller passes them to `record`."""
        secret = await self._find(credentials)
        return _admitted(secret, await self._use(secret, (), is_metered=False))

    async def record(self, refusal: RefusedClient) -> None:
        """Record in the audit trail that a valid secret was refused."""
        async with transaction():
            await self._audit.record(refusal.entry)

    async def admit(self, credentials: ClientCredentials | None, scopes: tuple[str, ...]) -> Client:
        """Return the client, and count one call against the rate limits of its key.

        Raises InvalidClient, InvalidScope when the key lacks one of the scopes, ClientLimited; then nothing is counted.
        """
        async with self._recording_refusals():
            secret = await self._find(credentials)
            use = await self._use(secret, scopes, is_metered=True)
            if use.is_limited:
                raise ClientLimited(use.rate_limits, use.retry_after_seconds)
            if use.lacks_scopes:
                raise InvalidScope
            return Client(_admitted(secret, use), secret, use.rate_limits)

    @asynccontextmanager
    async def _recording_refusals(self) -> AsyncIterator[None]:
        try:
            yield
        except RefusedClient as refusal:
            await self.record(refusal)
            raise

    async def _find(self, credentials: ClientCredentials | None) -> KeySecret:
        if credentials is None:
            raise InvalidClient("Client authentication is required.")
        secret = await self._secrets.find(credentials.secret)
        if secret is None or not credentials.identify(secret):
            raise InvalidClient
        return secret

    async def _use(self, secret: KeySecret, scopes: tuple[str, ...], *, is_metered: bool) -> KeyAuthenticationResult:
        address = current_request().client_address
        try:
            verdict = await self._keys.verify_digest(secret.digest, address, scopes, is_metered=is_metered)
        except NotAllowed as error:  # valid, but not from this address
            raise RefusedClient(_refusal_of(secret), error.public_message) from error
        return KeyAuthenticationResult.of(verdict)


def _admitted(secret: KeySecret, use: KeyAuthenticationResult) -> Principal:
    if use.principal is None:
        raise RefusedClient(_refusal_of(secret))
    return use.principal


def _refusal_of(secret: KeySecret) -> AuditEntry:
    unidentified = Principal(user_id=None, kind=CredentialKind.API_KEY)
    owner_id, after = secret.owner_id, {"prefix": secret.prefix}
    return AuditEntry(
        unidentified, "client.refused", "api_key", secret.key_id, after=after, subject_id=owner_id,
        outcome=Outcome.FAILURE,
    )  # fmt: skip


class CallerAuthentication:
    """Authenticates callers, and counts nothing against their rate limits: they call on behalf of others."""

    def __init__(
        self,
        clients: ClientAuthentication,
        keys: KeyAuthentication,
        tokens: ClientTokenAuthentication,
        sessions: SessionService,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._tokens = tokens
        self._sessions = sessions

    async def authenticate(self, authorization: str, form: Mapping[str, str]) -> Principal:
        """Return the caller; raises InvalidClient, InvalidBearerToken, OAuthError for more than one credential.

        Pass what it raises to `record`, unless too many attempts have failed.
        """
        bearer = bearer_of(authorization)
        if bearer is None:
            return await self._clients.identify(read_credentials(authorization, form))
        if "client_secret" in form:
            raise OAuthError(SEVERAL_METHODS)
        caller = await self._bearer(bearer)
        if caller is None:
            raise InvalidBearerToken
        return caller

    async def record(self, failure: OAuthError) -> None:
        """Record in the audit trail that a valid secret was refused, if that is the failure."""
        if isinstance(failure, RefusedClient):
            await self._clients.record(failure)

    async def _bearer(self, bearer: str) -> Principal | None:
        address = current_request().client_address
        try:
            if bearer.startswith(KEY_START):
                return KeyAuthenticationResult.of(await self._keys.verify(bearer, address, is_metered=False)).principal
            use = await self._tokens.use(bearer, address, is_metered=False)
        except NotAllowed as error:  # valid, but not from this address
            raise InvalidBearerToken(error.public_message) from error
        return use.principal if use else await self._sessions.authenticate(bearer)

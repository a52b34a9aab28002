"""Clients are API keys: judged by the same decision as every other use of a key."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apps.api_keys.services.key_secrets import KeySecret, KeySecrets
from apps.audit.domain.audit_entry import AuditEntry, NoteAudit, Outcome
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.errors import NotAllowed
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.request_context import current_request
from apps.oauth.services.client_credentials import ClientCredentials
from apps.oauth.services.oauth_errors import ClientLimited, InvalidClient, InvalidScope, OAuthError, RefusedClient
from apps.verification.services.key_authentication import KeyAuthentication
from apps.verification.services.key_use import KeyUse


@dataclass(frozen=True, slots=True)
class Client:
    """A key that has proven itself, by which of its secrets, and its rate limits as that has left them."""

    principal: Principal
    secret: KeySecret
    rate_limits: Sequence[RateLimitStatus]


class ClientAuthentication:
    """Finds out which key a client is. That a right secret was refused, its owner sees in the audit trail."""

    def __init__(self, secrets: KeySecrets, keys: KeyAuthentication, note: NoteAudit) -> None:
        self._secrets = secrets
        self._keys = keys
        self._note = note

    async def authenticate(self, credentials: ClientCredentials | None) -> Principal:
        """Return the key that the client is, and count nothing; raises InvalidClient."""
        async with self._noted():
            return await self.prove(credentials)

    async def prove(self, credentials: ClientCredentials | None) -> Principal:
        """Do as `authenticate` does, but leave a refusal for the caller to `note`, when it has counted it."""
        secret = await self._known(credentials)
        return _admitted(secret, await self._use(secret, (), is_metered=False))

    async def note(self, failure: OAuthError) -> None:
        """Note that a right secret was refused, where that is the failure."""
        if isinstance(failure, RefusedClient):
            await self._note(failure.entry)

    async def admit(self, credentials: ClientCredentials | None, scopes: tuple[str, ...]) -> Client:
        """Return the client, and count one call of its key against the key's rate limits.

        Raises InvalidClient, InvalidScope when the key lacks one of the scopes, ClientLimited; and then nothing has
        been counted.
        """
        async with self._noted():
            secret = await self._known(credentials)
            use = await self._use(secret, scopes, is_metered=True)
            if use.is_limited:
                raise ClientLimited(use.rate_limits, use.retry_after_seconds)
            if use.lacks_scopes:
                raise InvalidScope
            return Client(_admitted(secret, use), secret, use.rate_limits)

    @asynccontextmanager
    async def _noted(self) -> AsyncIterator[None]:
        try:
            yield
        except OAuthError as failure:
            await self.note(failure)
            raise

    async def _known(self, credentials: ClientCredentials | None) -> KeySecret:
        if credentials is None:
            raise InvalidClient("The client has to prove who it is.")
        secret = await self._secrets.find(credentials.secret)
        if secret is None or not credentials.name(secret):
            raise InvalidClient
        return secret

    async def _use(self, secret: KeySecret, scopes: tuple[str, ...], *, is_metered: bool) -> KeyUse:
        address = current_request().client_address
        try:
            return KeyUse.of(await self._keys.judge_digest(secret.digest, address, scopes, is_metered=is_metered))
        except NotAllowed as error:  # good, but not from there
            raise RefusedClient(_refusal_of(secret), error.public_message) from error


def _admitted(secret: KeySecret, use: KeyUse) -> Principal:
    if use.principal is None:
        raise RefusedClient(_refusal_of(secret))
    return use.principal


def _refusal_of(secret: KeySecret) -> AuditEntry:
    stranger = Principal(user_id=None, kind=CredentialKind.API_KEY)
    owner_id, after = secret.owner_id, {"prefix": secret.prefix}
    return AuditEntry(
        stranger, "client.refused", "api_key", secret.key_id, after=after, subject_id=owner_id, outcome=Outcome.FAILURE
    )

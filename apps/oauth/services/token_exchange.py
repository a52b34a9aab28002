"""Issues tokens for API keys: the grant `client_credentials` (RFC 6749, 4.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.database.transaction import transaction
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.oauth.schemas.oauth_token import CLIENT_CREDENTIALS, TokenOut
from apps.oauth.services.client_authentication import Client, ClientAuthentication
from apps.oauth.services.client_credentials import read_credentials
from apps.oauth.services.client_tokens import CLIENT_TOKEN_SECONDS, ClientTokens
from apps.oauth.services.oauth_errors import InvalidTarget, OAuthError, UnsupportedGrantType
from apps.oauth.services.requested_scopes import default_scopes, read_scopes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A token, and the status of its key's rate limits after the exchange."""

    token: TokenOut
    rate_limits: Sequence[RateLimitStatus]


class TokenExchange:
    """Exchanges API keys for tokens."""

    def __init__(
        self, clients: ClientAuthentication, tokens: ClientTokens, audit: AuditTrail, audiences: Mapping[str, str]
    ) -> None:
        self._clients = clients
        self._tokens = tokens
        self._audit = audit
        self._audiences = audiences  # by the resources that a token can be requested for

    async def exchange(self, authorization: str, form: Mapping[str, str]) -> Exchange:
        """Return a token for the client's key; raises OAuthError, ClientLimited.

        The exchange is a use of the key and counts against its rate limits, unless it is refused.
        """
        _require_grant_type(form)
        requested, audience = read_scopes(form.get("scope", "")), self._audience(form)
        client = await self._clients.admit(read_credentials(authorization, form), requested)
        token = await self._issue(client, requested or default_scopes(sorted(client.principal.scopes)), audience)
        return Exchange(token, client.rate_limits)

    def _audience(self, form: Mapping[str, str]) -> str:
        """Return the audience of the `resource` that is requested (RFC 8707, 2), by default Keyhouse's own."""
        if "resource" not in form:
            return self._tokens.audience
        if form["resource"] not in self._audiences:
            raise InvalidTarget
        return self._audiences[form["resource"]]

    async def _issue(self, client: Client, scopes: tuple[str, ...], audience: str) -> TokenOut:
        token, token_id = await self._tokens.issue(client.principal.owner_id, client.secret, scopes, audience)
        after = {"token_id": token_id, "scopes": list(scopes), "audience": audience}
        entry = AuditEntry(client.principal, "token.issued", "api_key", client.secret.key_id, after=after)
        async with transaction():
            await self._audit.record(entry)
        return TokenOut(access_token=token, expires_in=CLIENT_TOKEN_SECONDS, scope=" ".join(scopes))


def _require_grant_type(form: Mapping[str, str]) -> None:
    if "grant_type" not in form:
        raise OAuthError("The parameter grant_type is missing. Send client_credentials.")
    if form["grant_type"] != CLIENT_CREDENTIALS:
        raise UnsupportedGrantType

"""Revocation of clients' tokens: who may, and what is recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.authorization.principal import Principal
from apps.oauth.services.client_tokens import ClientClaims
from apps.oauth.services.oauth_errors import InvalidClient, UnauthorizedClient
from apps.oauth.services.revocation import Revocation
from tests.support.callers import key_of
from tests.support.fakes import FakeAudit

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = ClientClaims(5, 7, 3, (), "token id", "keyhouse", NOW, NOW + timedelta(minutes=15))


class Tokens:
    """Reads every text as the same token."""

    async def read(self, _token: str) -> ClientClaims:
        return CLAIMS


class RevokedTokens:
    """Keeps revoked tokens in memory."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.ends: list[datetime] = []

    async def insert(self, token_id: str, expires_at: datetime) -> bool:
        self.ends.append(expires_at)
        is_new = token_id not in self.ids
        self.ids += [token_id] if is_new else []
        return is_new


def revocation(revoked: Any, audit: Any) -> Revocation:
    tokens: Any = Tokens()
    unused: Any = None
    return Revocation(unused, unused, tokens, revoked, audit)


async def test_second_revocation_is_not_recorded_again():
    revoked, audit, client = RevokedTokens(), FakeAudit(), key_of(5, api_key_id=7)
    for _ in range(2):
        await revocation(revoked, audit).revoke(client, "token")
    assert (revoked.ids, revoked.ends) == (["token id"], [CLAIMS.expires_at] * 2)
    assert [
        (entry.actor, entry.action, entry.target_kind, entry.target_id, entry.after) for entry in audit.entries
    ] == [(client, "token.revoked", "api_key", 7, {"token_id": "token id"})]


@pytest.mark.parametrize(("client", "error"), [(None, InvalidClient), (key_of(5, api_key_id=8), UnauthorizedClient)])
async def test_only_the_key_revokes_its_token(client: Principal | None, error: type[Exception]):
    revoked, audit = RevokedTokens(), FakeAudit()
    with pytest.raises(error):
        await revocation(revoked, audit).revoke(client, "token")
    assert (revoked.ids, audit.entries) == ([], [])

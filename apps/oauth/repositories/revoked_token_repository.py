"""Reads and writes revoked tokens."""

from datetime import datetime
from pathlib import Path

from django.db.models import QuerySet

from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.writes import insert_if_free
from apps.core.database.statements import fetch_rows, load_statements
from apps.oauth.models import RevokedToken

SQL = load_statements(Path(__file__).with_name("revoked_tokens.sql"))


class RevokedTokenRepository:
    """The revoked tokens' rows."""

    async def contains(self, token_id: str) -> bool:
        """Return whether the token was revoked."""
        return await _revoked.first(token_id) is not None

    async def insert(self, token_id: str, expires_at: datetime) -> bool:
        """Insert a token unless it was revoked before, and return whether it was inserted."""
        return await insert_if_free(RevokedToken(token_id=token_id, expires_at=expires_at))

    async def delete_expired(self, maximum: int) -> int:
        """Delete up to `maximum` tokens that expired an hour ago, and return how many."""
        return int((await fetch_rows(SQL["delete_expired"], [maximum]))[0][0])


@prepared
def _revoked(token_id: str) -> QuerySet[RevokedToken]:
    return RevokedToken.objects.filter(pk=token_id)

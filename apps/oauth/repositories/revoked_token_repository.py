"""Remembers which tokens were called back."""

from datetime import datetime
from pathlib import Path

from django.db import connection
from django.db.models import QuerySet

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_in_transaction
from apps.oauth.models import RevokedToken

SQL = load_statements(Path(__file__).with_name("revoked_tokens.sql"))


class RevokedTokenRepository:
    """The revoked tokens' rows."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def holds(self, token_id: str) -> bool:
        """Return whether the token was called back."""
        return await _revoked.first(token_id) is not None

    async def add(self, token_id: str, expires_at: datetime, audit: AuditEntry) -> None:
        """Call the token back; one that was before changes nothing, and is not audited again."""
        await run_in_transaction(self._add, token_id, expires_at, audit)

    async def remove_expired(self, maximum: int) -> int:
        """Remove at most so many tokens that ended an hour ago, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])

    def _add(self, token_id: str, expires_at: datetime, audit: AuditEntry) -> None:
        with connection.cursor() as cursor:
            cursor.execute(SQL["add"], [token_id, expires_at])
            is_new = cursor.fetchone() is not None
        if is_new:
            self._record_audit(audit)


@prepared
def _revoked(token_id: str) -> QuerySet[RevokedToken]:
    return RevokedToken.objects.filter(pk=token_id)

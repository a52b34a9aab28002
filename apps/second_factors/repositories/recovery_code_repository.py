"""Reads and writes recovery codes."""

from collections.abc import Sequence

from apps.core.database.orm.queries import exists
from apps.core.database.orm.writes import delete, insert_all
from apps.core.database.statements import execute, fetch_rows
from apps.second_factors.models import RecoveryCode
from apps.second_factors.repositories.factor_repository import SQL


class RecoveryCodeRepository:
    """The codes' rows. Lock the account before writing them."""

    async def has_unused(self, user_id: int) -> bool:
        """Return whether the account has an unused code."""
        return await exists(RecoveryCode.objects.filter(user_id=user_id, used_at=None))

    async def insert_all(self, user_id: int, digests: Sequence[bytes]) -> int:
        """Insert codes, and return the id of the newest."""
        codes = [RecoveryCode(user_id=user_id, digest=digest) for digest in digests]
        await insert_all(codes)
        return max(code.pk for code in codes)

    async def spend(self, user_id: int, digest: bytes) -> int | None:
        """Mark a code as used and return its id, or None when the account has no such unused code."""
        spent = await fetch_rows(SQL["spend_recovery_code"], {"user": user_id, "digest": digest})
        return int(spent[0][0]) if spent else None

    async def delete_all(self, user_id: int) -> None:
        """Delete the account's codes, used or not."""
        await delete(RecoveryCode.objects.filter(user_id=user_id))

    async def delete_without_factor(self, user_id: int) -> None:
        """Delete the account's codes if it has no other factor."""
        await execute(SQL["delete_recovery_codes_without_factor"], {"user": user_id})

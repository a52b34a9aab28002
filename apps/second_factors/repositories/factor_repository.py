"""Reads and deletes an account's second factors as a whole."""

from pathlib import Path
from typing import NamedTuple

from apps.core.database.orm.writes import delete
from apps.core.database.statements import fetch_rows, load_statements
from apps.second_factors.models import FactorAttempt, Passkey, RecoveryCode, TotpDevice

SQL = load_statements(Path(__file__).with_name("second_factors.sql"))


class FactorCounts(NamedTuple):
    """The second factors of an account, counted."""

    has_totp: bool
    has_passkey: bool
    recovery_codes_left: int

    @property
    def has_factor(self) -> bool:
        """Whether the account has a second factor. Recovery codes do not count: they only replace one."""
        return self.has_totp or self.has_passkey


class FactorRepository:
    """The rows of all kinds of factors."""

    async def counts(self, user_id: int) -> FactorCounts:
        """Return the account's counts."""
        return FactorCounts(*(await fetch_rows(SQL["kinds"], {"user": user_id}))[0])

    async def overview(self, user_id: int) -> str:
        """Return the account's factors as JSON: `totp`, `passkeys` and `recovery_codes_left`."""
        return str((await fetch_rows(SQL["overview"], {"user": user_id}))[0][0])

    async def delete_all(self, user_id: int) -> None:
        """Delete every factor of the account, its recovery codes, and the counts of its wrong codes."""
        for model in (FactorAttempt, TotpDevice, RecoveryCode, Passkey):
            await delete(model._base_manager.filter(user_id=user_id))

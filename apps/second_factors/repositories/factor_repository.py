"""Reads and deletes an account's second factors as a whole."""

from pathlib import Path
from typing import NamedTuple

from apps.core.database.orm.writes import delete
from apps.core.database.statements import fetch_rows, load_statements
from apps.second_factors.models import FactorAttempt, Passkey, RecoveryCode, TotpDevice

SQL = load_statements(Path(__file__).with_name("second_factors.sql"))


class FactorCounts(NamedTuple):
    """What an account has."""

    has_totp: bool
    has_passkey: bool
    recovery_codes_left: int

    @property
    def has_factor(self) -> bool:
        """Whether there is a second factor; recovery codes only stand in for one."""
        return self.has_totp or self.has_passkey


class FactorRepository:
    """The rows of all kinds of factors."""

    async def counts(self, user_id: int) -> FactorCounts:
        """Return what the account has."""
        return FactorCounts(*(await fetch_rows(SQL["kinds"], {"user": user_id}))[0])

    async def delete_all(self, user_id: int) -> None:
        """Delete every factor of the account, its recovery codes, and the counts of its wrong codes."""
        for model in (FactorAttempt, TotpDevice, RecoveryCode, Passkey):
            await delete(model._base_manager.filter(user_id=user_id))

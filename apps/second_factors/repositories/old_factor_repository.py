"""Reads and deletes second factors in the transaction that is open on the calling thread."""

from apps.core.database.transactions import run_statement
from apps.second_factors.models import FactorAttempt, Passkey, RecoveryCode, TotpDevice
from apps.second_factors.repositories.factor_repository import SQL


class OldFactorRepository:
    """The rows of all kinds of factors, for apps that are not converted yet."""

    def has_factor(self, user_id: int) -> bool:
        """Return whether the account has a second factor."""
        has_totp, has_passkey, _ = run_statement(SQL["kinds"], {"user": user_id})[0]
        return bool(has_totp or has_passkey)

    def erase(self, user_id: int) -> None:
        """Delete everything about the account's factors."""
        for model in (FactorAttempt, TotpDevice, RecoveryCode, Passkey):
            model._base_manager.filter(user_id=user_id).delete()

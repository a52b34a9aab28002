"""What accounts hold, judged while a key is created or changed."""

from collections.abc import Iterable
from typing import Any

from apps.core.authorization.scopes import ROLE_SCOPES, held_scopes, reserved_under, withheld_scopes
from apps.core.errors import ErrorDetail, ValidationFailed
from apps.users.repositories.account_repository import AccountRepository


class HeldScopes:
    """Compares scopes with those that an account holds. Each use of a key compares again; this is for the message."""

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def require_held(self, user_id: int, scopes: Iterable[str]) -> None:
        """Raise ValidationFailed unless the account holds each declared scope that is among `scopes` or under them."""
        wanted = reserved_under(scopes)
        missing = withheld_scopes(wanted, await self._held(user_id)) if wanted else []
        if missing:
            details = [ErrorDetail("scopes", await self._what_it_takes(scope)) for scope in missing]
            raise ValidationFailed("A key never has more scopes than its owner holds.", details=details)

    async def _held(self, user_id: int) -> frozenset[str]:
        user: Any = await self._accounts.find_with_role_scopes(user_id)
        return held_scopes(user.role_scopes, is_staff=user.is_staff) if user else frozenset()

    async def _what_it_takes(self, scope: str) -> str:
        if scope not in ROLE_SCOPES:
            return f"Only staff hold {scope}."
        names = await self._accounts.role_names_giving(scope)
        return f"The owner needs a role that gives {scope}: {' or '.join(names) if names else 'no role does yet'}."

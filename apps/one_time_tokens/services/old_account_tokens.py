"""All single-use tokens of an account, whatever they are for."""

from apps.one_time_tokens.repositories.old_one_time_token_repository import OneTimeTokenRepository


class AccountTokens:
    """Voids them and removes them, in the transaction that is open on the calling thread."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    def void_all(self, user_id: int) -> None:
        """Make every unspent token of the account good no more."""
        self._tokens.void_all(user_id)

    def erase(self, user_id: int) -> None:
        """Remove all tokens of the account, whose data may name an address. It is an `ErasePersonalData`."""
        self._tokens.remove_all(user_id)

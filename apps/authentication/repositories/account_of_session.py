"""What sessions ask of the account that they are of, and do to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.core.authorization.authentication_methods import include_second_factor
from apps.one_time_tokens.domain.void_tokens import VoidTokens


@dataclass(frozen=True, slots=True)
class AccountOfSession:
    """The rooms below, as far as sessions need them; all in the transaction that is open on the calling thread."""

    lock: Callable[[int], None]
    note_login: Callable[[int, str | None, bool], bool]
    set_password: Callable[[int, str, str | None], None]
    void_tokens: VoidTokens
    has_second_factor: Callable[[int], bool]

    def lacks_factor(self, user_id: int, methods: Iterable[str]) -> bool:
        """Return whether the account, which is locked, has a second factor and none of the methods is one.

        It may have been added since somebody was asked for the first factor alone.
        """
        return not include_second_factor(methods) and self.has_second_factor(user_id)

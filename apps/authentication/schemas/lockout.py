"""Lockouts: who cannot sign in to an account now, and until when."""

from enum import StrEnum

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp


class LockoutKind(StrEnum):
    """What is refused: passwords, codes of second factors, or the account with its API keys."""

    PASSWORD = "password"
    CODE = "code"
    ACCOUNT = "account"


class LockoutOut(ResponseSchema):
    """A lockout. `failures` is the number of wrong passwords or codes that have caused it.

    With a `client_address` it affects the client at this address alone. Without one it affects, by its kind: all
    clients that have not signed in to the account for 90 days (`password`), the six-digit codes of all clients
    (`code`; recovery codes and passkeys are accepted), or all use of the account and its API keys (`account`).
    """

    kind: LockoutKind
    client_address: str | None
    failures: int
    locked_until: Timestamp

    @property
    def words(self) -> str:
        """What is refused, in words."""
        if self.client_address:
            return f"{'Passwords' if self.kind is LockoutKind.PASSWORD else 'Codes'} from {self.client_address}"
        return WORDS[self.kind]


WORDS = {
    LockoutKind.PASSWORD: "Passwords from every client that has not signed in for 90 days",
    LockoutKind.CODE: "Six-digit codes from every client; recovery codes and passkeys are accepted",
    LockoutKind.ACCOUNT: "The account, and all its API keys",
}


class LockoutsOut(ResponseSchema):
    """The lockouts of an account that last, up to a hundred of each kind."""

    items: list[LockoutOut]


class UnlockedOut(ResponseSchema):
    """The number of lockouts that were ended."""

    ended: int

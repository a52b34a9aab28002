"""Mail that a service wants sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one recipient, rendered from the templates `mail/<kind>.*` with `context`.

    `key` makes it idempotent: the same key posts once. Name what the letter is about in it (the id of a token, of an
    event), never the moment, in at most 200 characters. `user_id` is the account that it concerns, None for somebody
    who has none. A letter that could not be sent within `lifetime_seconds` is not sent any more: give it the lifetime
    of the link in it.
    """

    kind: str
    recipient: str
    key: str
    user_id: int | None
    # Holds links with single-use tokens.
    context: Mapping[str, str] = field(repr=False)
    lifetime_seconds: int = DAY_SECONDS


class LetterAllowance(NamedTuple):
    """How many letters of some kinds there may be within so many seconds."""

    maximum: int
    seconds: int


ONE_A_MINUTE, FIVE_AN_HOUR = LetterAllowance(1, 60), LetterAllowance(5, 3600)


def letter_key(kind: str, token: str) -> str:
    """Return the key of the one letter that holds a single-use token; it says nothing of the token."""
    return f"{kind}:{sha256(token.encode()).hexdigest()}"


# Posts the letter in the transaction that is open on the calling thread.
PostLetter = Callable[[Letter], None]

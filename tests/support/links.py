"""Single-use tokens, as the recipients of letters find them."""

from urllib.parse import parse_qsl, urlsplit

from tests.support.mailbox import letters_to
from tests.support.orm import make


def token_in(link: str) -> str:
    """Return the token that the link carries."""
    return query_of(link)["token"]


def query_of(link: str) -> dict[str, str]:
    """Return what the link's fragment says."""
    return dict(parse_qsl(urlsplit(link).fragment))


async def tokens_to(email: str, kind: str, name: str = "link") -> list[str]:
    """Return the tokens in the letters of a kind to somebody, the oldest first."""
    letters = await make(letters_to, email)
    return [token_in(letter.context[name]) for letter in letters if letter.kind == kind]


async def kinds_to(email: str) -> list[str]:
    """Return the kinds of the letters to somebody, the oldest first."""
    return [letter.kind for letter in await make(letters_to, email)]

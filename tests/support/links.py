"""Single-use tokens in the links of queued messages."""

from urllib.parse import parse_qsl, urlsplit

from tests.support.mailbox import letters_to
from tests.support.orm import make


def token_in(link: str) -> str:
    """Return the token in the link."""
    return query_of(link)["token"]


def query_of(link: str) -> dict[str, str]:
    """Return the parameters in the link's fragment."""
    return dict(parse_qsl(urlsplit(link).fragment))


async def tokens_to(email: str, kind: str, name: str = "link") -> list[str]:
    """Return the tokens in the messages of this kind to the address, oldest first."""
    messages = await make(letters_to, email)
    return [token_in(message.context[name]) for message in messages if message.kind == kind]


async def kinds_to(email: str) -> list[str]:
    """Return the kinds of the messages to the address, oldest first."""
    return [message.kind for message in await make(letters_to, email)]

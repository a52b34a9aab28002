"""Searching API keys by secret, which must not get into a URL, a log or the browser's history."""

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.services import key_format
from apps.core.errors import NotFound
from apps.core.event_loop.sync_calls import call_service


def is_secret(term: str) -> bool:
    """Return whether the term is a complete API key."""
    return key_format.is_well_formed(term.strip())


def key_id_of(secret: str) -> int | None:
    """Return the id of the key that has this secret, or None."""
    try:
        return call_service(api_key_service().id_of_secret, secret.strip())
    except NotFound:
        return None


def without_secrets(term: str) -> str:
    """Return the term with each word that begins like a key cut to its visible prefix."""
    return " ".join(_visible(word) for word in term.split())


def _visible(word: str) -> str:
    return key_format.visible_prefix(word) if word.startswith(key_format.KEY_START) else word

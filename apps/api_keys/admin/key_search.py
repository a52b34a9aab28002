"""Searching keys without letting a secret into an address, a log or a browser's history."""

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.services import key_format
from apps.core.errors import NotFound
from apps.core.event_loop.sync_calls import call_service


def is_secret(term: str) -> bool:
    """Return whether the term is a whole key."""
    return key_format.is_well_formed(term.strip())


def key_id_of(secret: str) -> int | None:
    """Return the id of the key that has this secret, found by its digest, or None."""
    try:
        return call_service(api_key_service().id_of_secret, secret.strip())
    except NotFound:
        return None


def without_secrets(term: str) -> str:
    """Return the term with every part that begins like a key cut to what may be shown of one."""
    return " ".join(_visible(word) for word in term.split())


def _visible(word: str) -> str:
    return key_format.visible_prefix(word) if word.startswith(key_format.KEY_START) else word

"""The context of a message's templates, stored encrypted because it holds single-use tokens."""

from collections.abc import Mapping

import orjson

from apps.core.crypto.encryption import decrypt, encrypt

# Part of the encryption of stored messages: another text makes them unreadable.
PURPOSE = "keyhouse outgoing mail"


def seal(context: Mapping[str, str]) -> bytes:
    """Return the context, encrypted and authenticated."""
    return encrypt(orjson.dumps(dict(context)), PURPOSE)


def unseal(sealed: bytes) -> dict[str, str] | None:
    """Return the context, or None when it was encrypted under another SECRET_KEY or tampered with."""
    opened = decrypt(sealed, PURPOSE)
    context: dict[str, str] | None = orjson.loads(opened) if opened is not None else None
    return context

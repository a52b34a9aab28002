"""Renders messages: subject, text and HTML, from a context that is stored encrypted."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import orjson
from django.conf import settings
from django.template import Context, Template
from django.template.loader import get_template

from apps.core.crypto.encryption import decrypt, encrypt


class Rendered(NamedTuple):
    """A rendered message; the subject is one line."""

    subject: str
    text: str
    html: str


def render(kind: str, context: Mapping[str, str]) -> Rendered:
    """Return the message, rendered from `mail/<kind>.subject.txt`, `mail/<kind>.txt` and `mail/<kind>.html`.

    The templates belong to the app that enqueues the message, and extend `mail/base.txt` and `mail/base.html`. Their
    variables are those of `context`, `product_name`, `public_url`, and in HTML `subject`. HTML is escaped, text is not.
    Line breaks and unprintable characters in a value become spaces. Raises TemplateDoesNotExist.
    """
    values = {
        **{name: _one_line(value) for name, value in context.items()},
        "product_name": settings.PRODUCT_NAME,
        "public_url": settings.PUBLIC_URL,
    }
    subject = _one_line(_render(f"mail/{kind}.subject.txt", values, autoescape=False))
    text = _render(f"mail/{kind}.txt", values, autoescape=False)
    html = _render(f"mail/{kind}.html", {**values, "subject": subject}, autoescape=True)
    return Rendered(subject, text.strip() + "\n", html.strip() + "\n")


def _render(name: str, values: Mapping[str, Any], *, autoescape: bool) -> str:
    # Django's loader returns its own wrapper, which always escapes.
    template = cast("Template", cast("Any", get_template(name)).template)
    return str(template.render(Context(values, autoescape=autoescape)))


def _one_line(value: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in value).split())


# Part of the encryption key of stored messages: another text makes them unreadable.
PURPOSE = "keyhouse outgoing mail"


def seal(context: Mapping[str, str]) -> bytes:
    """Encrypt and authenticate the context."""
    return encrypt(orjson.dumps(dict(context)), PURPOSE)


def unseal(sealed: bytes) -> dict[str, str] | None:
    """Return the context, or None when it was encrypted under another SECRET_KEY or tampered with."""
    opened = decrypt(sealed, PURPOSE)
    context: dict[str, str] | None = orjson.loads(opened) if opened is not None else None
    return context

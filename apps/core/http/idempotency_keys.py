"""The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07).

The draft's form is a quoted string (RFC 9651, 3.3.3). Most clients send a bare UUID, which is accepted too and is the
same key.
"""

import re

from django.http import HttpRequest

from apps.core.errors import ValidationFailed

NAME = "Idempotency-Key"
_QUOTED = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"')
_BARE = re.compile(r"([A-Za-z0-9_.:~+/=@-]{1,255})")
IDEMPOTENCY_KEY = {
    "parameters": [
        {
            "name": NAME,
            "in": "header",
            "schema": {"type": "string"},
            "description": "A UUID or another unique text, for retries within a day: with the same request it returns "
            "the first response, with another request it is 422, and 409 while the first is processed.",
        }
    ]
}


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the idempotency key of the request, or None. Raises ValidationFailed for an invalid one, or several."""
    text = request.headers.get(NAME)
    if text is None:
        return None
    found = _QUOTED.fullmatch(text.strip()) or _BARE.fullmatch(text.strip())
    if found is None:
        raise ValidationFailed.of(
            NAME, "must be one UUID, or another text of 1 to 255 letters, digits and ._:~+/=@- or a quoted string"
        )
    return found[1]

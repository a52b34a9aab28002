"""Reads the `Authorization` header, for every endpoint (RFC 9110, 11.6.2).

The fast path of verification compares bytes instead. It accepts a part of what `credential_in` accepts, and leaves
all else to the operation.
"""

import re

BEARER, BASIC = "bearer", "basic"
# A scheme, then at least one space, then what the scheme defines.
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.*))?", re.DOTALL)
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class MalformedAuthorization(ValueError):
    """The header is not a scheme with one credential, or the request has more than one of these headers."""


def credential_in(header: str, scheme: str) -> str | None:
    """Return the credential of an `Authorization` header of this scheme, or None for one of another scheme.

    `scheme` is in lower case; the header may write it in any. Both `Bearer` and `Basic` take one token68. Django joins
    repeated headers by commas, which no token68 contains. Raises MalformedAuthorization.
    """
    parts = _HEADER.fullmatch(header.strip(" \t"))
    if parts is None:
        raise MalformedAuthorization
    name, credential = parts.groups()
    if name.lower() != scheme:
        return None
    if credential is None or not _TOKEN68.fullmatch(credential):
        raise MalformedAuthorization
    return str(credential)

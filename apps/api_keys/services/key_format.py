"""The format of API keys: `sk_live_<32 base62><6 base62 checksum>`.

The type prefix allows secret scanners to find leaked keys, `_` allows a double click to select the whole key, and the
checksum (CRC-32 of everything before it) rejects a mistyped key without a query.
"""

import re
import secrets
import string
from hashlib import sha256
from itertools import product
from zlib import crc32

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
VISIBLE_RANDOM_LENGTH = 4
# Two base62 digits at a time: a checksum is computed for each key that is presented.
PAIRS = [first + second for first, second in product(ALPHABET, repeat=2)]
KEY_START = "sk_"

_form = re.compile(rf"sk_(?:live|test)_[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}", re.ASCII)
_visible = re.compile(rf"sk_(?:live|test)_[0-9A-Za-z]{{{VISIBLE_RANDOM_LENGTH}}}", re.ASCII)
_more_than_visible = re.compile(rf"({_visible.pattern})[0-9A-Za-z]+", re.ASCII)


def generate_key(environment: str) -> str:
    """Return a new key with 190 random bits; `environment` is `live` or `test`."""
    body = f"{KEY_START}{environment}_" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def is_well_formed(key: str) -> bool:
    """Return whether `key` has the format of a key and a correct checksum."""
    if _form.fullmatch(key) is None:
        return False
    return checksum(key[:-CHECKSUM_LENGTH]) == key[-CHECKSUM_LENGTH:]


def digest_of(key: str) -> bytes:
    """Return the SHA-256 digest of a key, which is stored. 190 random bits do not need a slow hash."""
    return sha256(key.encode()).digest()


def visible_prefix(key: str) -> str:
    """Return the part of a key that may be shown: type, environment and its first four characters."""
    return key[: key.rindex("_") + 1 + VISIBLE_RANDOM_LENGTH]


def is_visible_prefix(text: str) -> bool:
    """Return whether the text is a visible prefix, as `visible_prefix` returns it."""
    return _visible.fullmatch(text) is not None


def without_secrets(text: str) -> str:
    """Return the text with each key in it cut to its visible prefix, also a mistyped one."""
    return _more_than_visible.sub(r"\1", text)


def checksum(body: str) -> str:
    """Return the CRC-32 of `body` as six base62 digits."""
    rest, last = divmod(crc32(body.encode()), len(PAIRS))
    first, middle = divmod(rest, len(PAIRS))
    return PAIRS[first] + PAIRS[middle] + PAIRS[last]

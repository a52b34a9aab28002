"""Common passwords, from public lists (`common_passwords.md`)."""

import gzip
import unicodedata
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("common_passwords.txt.gz")


def is_common_password(password: str) -> bool:
    """Return whether the password is in the list, in whatever case and width.

    The first call reads the list, a megabyte, which then stays in memory. It has no password under eight characters:
    those may not be set anyway.
    """
    text = unicodedata.normalize("NFKC", password).casefold().strip()
    return b"\n%b\n" % text.encode("utf-8", "surrogatepass") in _lines()


@cache
def _lines() -> bytes:
    return b"\n%b" % gzip.decompress(LIST.read_bytes())

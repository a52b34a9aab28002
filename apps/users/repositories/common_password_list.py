"""Passwords that are tried first: what many people have chosen, from public lists (`common_passwords.md`)."""

import gzip
import unicodedata
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("common_passwords.txt.gz")


def is_common_password(password: str) -> bool:
    """Return whether the password is in the list, however it is written: wide or narrow, in capitals or not.

    The first call reads the list, a megabyte, which then stays. Passwords under eight characters, which may not be set
    anyway, are not in it.
    """
    text = unicodedata.normalize("NFKC", password).casefold().strip()
    return b"\n%b\n" % text.encode("utf-8", "surrogatepass") in _lines()


@cache
def _lines() -> bytes:
    return b"\n%b" % gzip.decompress(LIST.read_bytes())

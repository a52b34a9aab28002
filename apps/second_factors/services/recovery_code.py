"""Recovery codes: 120 random bits in Crockford's base32, in groups that people can type."""

import re
import secrets
from hashlib import sha256

CODES = 10
GROUPS, GROUP_LENGTH = 4, 6
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_six_digits = re.compile(r"[0-9]{6}", re.ASCII)
# I, L and O are not in the alphabet, and are what people read in place of 1 and 0.
_misread = str.maketrans("ILO", "110", " -")


def new_codes() -> list[str]:
    """Return new codes, such as 7K3M9P-…; only their digests are stored."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(CODES)]


def digest_of(code: str) -> bytes:
    """Return the SHA-256 of the code, however it is typed. 120 bits cannot be guessed, so nothing slower is needed."""
    return sha256(f"recovery code\x00{code.upper().translate(_misread)}".encode()).digest()


def six_digits_of(code: str) -> str | None:
    """Return the code as an authenticator app shows it, or None for any other code."""
    digits = code.translate(_misread)
    return digits if _six_digits.fullmatch(digits) else None


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))

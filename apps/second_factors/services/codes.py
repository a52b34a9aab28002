"""Codes: time-based ones of authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds), and recovery codes."""

import re
import secrets
from hashlib import sha256

import segno
from pyotp import TOTP, OTPVerificationError, random_base32

from apps.core.crypto import encryption

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


WINDOW_STEPS = 1  # before and after: a code is valid for 90 seconds, for slow typing and clocks that are slightly off
QR_SCALE = 4  # pixels a module
# Part of how the stored secrets were encrypted: another text here makes them unreadable.
PURPOSE = "keyhouse totp secrets"


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return random_base32()


def otpauth_uri(secret: str, account: str, issuer: str) -> str:
    """Return the URI that an authenticator app scans; it holds the secret."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(uri: str) -> str:
    """Return the URI as a QR code: a data URI of an SVG image. It takes tens of milliseconds."""
    return segno.make_qr(uri, error="m").svg_data_uri(scale=QR_SCALE)


def matching_step(secret: str, digits: str, moment: int) -> int | None:
    """Return the time step whose code these six digits are, or None.

    Considers the step of the moment (Unix seconds) and its neighbours. A caller that accepts a code stores its step,
    and accepts no other code of it or of an earlier one (RFC 6238, 5.2).
    """
    try:
        return TOTP(secret).verify_and_get_timecode(digits, for_time=moment, valid_window=WINDOW_STEPS)
    except OTPVerificationError:
        return None


def encrypted(secret: str) -> bytes:
    """Return the secret as it is stored."""
    return encryption.encrypt(secret.encode(), PURPOSE)


def matching_step_of_stored(secret_encrypted: bytes, digits: str, moment: int) -> int | None:
    """Return `matching_step` of a stored secret; None also when the secret cannot be decrypted."""
    secret = encryption.decrypt(secret_encrypted, PURPOSE)
    return None if secret is None else matching_step(secret.decode(), digits, moment)

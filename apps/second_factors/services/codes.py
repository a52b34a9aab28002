"""Codes: time-based ones of authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds), and recovery codes."""

import re
import secrets
from hashlib import sha256

import segno
from pyotp import TOTP, OTPVerificationError, random_base32

from apps.core.crypto import encryption

CODES_NUMBER = 10
GROUPS, GROUP_LENGTH = 4, 6
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_six_digits = re.compile(r"[0-9]{6}", re.ASCII)
# I, L and O are not in the alphabet, because people confuse them with 1 and 0.
_corrections = str.maketrans("ILO", "110", " -")


def new_codes() -> list[str]:
    """Return new codes, such as 7K3M9P-…; only their digests are stored."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(CODES_NUMBER)]


def digest_of(code: str) -> bytes:
    """Return the SHA-256 of the normalised code. 120 bits cannot be guessed, so no slower hash is needed."""
    return sha256(f"recovery code\x00{code.upper().translate(_corrections)}".encode()).digest()


def six_digits_of(code: str) -> str | None:
    """Return the six digits of a code of an authenticator app, or None for any other code."""
    digits = code.translate(_corrections)
    return digits if _six_digits.fullmatch(digits) else None


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))


WINDOW_STEPS = 1  # before and after: a code is valid for 90 seconds, for slow typing and clocks that are slightly off
QR_SCALE = 4  # pixels per module
# Part of the encryption key of the stored secrets: another text makes them unreadable.
PURPOSE = "keyhouse totp secrets"


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return random_base32()


def otpauth_uri(secret: str, account: str, issuer: str) -> str:
    """Return the URI for an authenticator app, which contains the secret."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(uri: str) -> str:
    """Return a QR code of the URI, as a data URI of an SVG image. Takes tens of milliseconds."""
    return segno.make_qr(uri, error="m").svg_data_uri(scale=QR_SCALE)


def matching_step(secret: str, digits: str, now: int) -> int | None:
    """Return the time step with these six digits as its code, or None.

    Tries the step of `now` (Unix seconds) and its neighbours. A caller that accepts a code stores its step,
    and accepts no code of this or an earlier step again (RFC 6238, 5.2).
    """
    try:
        return TOTP(secret).verify_and_get_timecode(digits, for_time=now, valid_window=WINDOW_STEPS)
    except OTPVerificationError:
        return None


def encrypt_secret(secret: str) -> bytes:
    """Encrypt the secret for storage."""
    return encryption.encrypt(secret.encode(), PURPOSE)


def matching_step_of_stored(secret_encrypted: bytes, digits: str, now: int) -> int | None:
    """Return `matching_step` of a stored secret; None also when the secret cannot be decrypted."""
    secret = encryption.decrypt(secret_encrypted, PURPOSE)
    return None if secret is None else matching_step(secret.decode(), digits, now)

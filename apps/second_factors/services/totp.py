"""Time-based one-time codes (RFC 6238) as authenticator apps show them: SHA-1, six digits, 30 seconds."""

import segno
from pyotp import TOTP, OTPVerificationError, random_base32

from apps.core.crypto import encryption

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

"""Time-based one-time codes (RFC 6238) as authenticator programs show them: SHA-1, six digits, 30 seconds."""

import segno
from pyotp import TOTP, OTPVerificationError, random_base32

WINDOW_STEPS = 1  # before and after: a code is good for 90 seconds, for slow typing and clocks that are a little wrong
QR_SCALE = 4  # pixels a module


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return random_base32()


def otpauth_uri(secret: str, account: str, issuer: str) -> str:
    """Return what an authenticator program scans; it holds the secret."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(uri: str) -> str:
    """Return the URI as a QR code: a data URI of an SVG image. It takes tens of milliseconds."""
    return segno.make_qr(uri, error="m").svg_data_uri(scale=QR_SCALE)


def matching_step(secret: str, digits: str, moment: int) -> int | None:
    """Return the time step, at or next to the moment (Unix seconds), whose code these six digits are, or None.

    Whoever accepts a code stores its step, and accepts no other code of it or of one before (RFC 6238, 5.2).
    """
    try:
        return TOTP(secret).verify_and_get_timecode(digits, for_time=moment, valid_window=WINDOW_STEPS)
    except OTPVerificationError:
        return None

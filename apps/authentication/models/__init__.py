"""Sessions, signing keys and counts of wrong passwords."""

from apps.authentication.models.login_attempt import LoginAttempt
from apps.authentication.models.session import Session
from apps.authentication.models.signing_key import SigningKey

__all__ = ["LoginAttempt", "Session", "SigningKey"]

"""Rejects text that cannot be hashed as it was typed."""

from typing import Any

from django.core.exceptions import ValidationError

from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM


class PasswordTextValidator:
    """Rejects NUL, text that UTF-8 cannot encode, and text over the maximum; all other characters are allowed."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  Django's interface
        """Raise ValidationError for text that cannot be a password."""
        if len(password) > PASSWORD_LENGTH_MAXIMUM:
            raise ValidationError(f"A password has at most {PASSWORD_LENGTH_MAXIMUM} characters.", "password_too_long")
        if "\x00" in password or not _is_encodable(password):
            raise ValidationError("This password contains characters that cannot be typed.", "password_not_text")

    def get_help_text(self) -> str:
        """Return the hint for people who choose a password."""
        return f"Your password may have up to {PASSWORD_LENGTH_MAXIMUM} characters of any kind."


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Keyhouse's password validators for Django (ASVS 5.0, 6.2.4, 6.2.11 and 6.2.12)."""

import logging
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.errors import Unavailable
from apps.users.repositories.known_passwords import BreachedPasswordFile, is_common_password

WORD_LENGTH_MINIMUM = 4  # shorter ones are part of too many others
LENGTH_MINIMUM = 8
ATTRIBUTES = ("email", "username", "full_name")
LOOK_ALIKES = str.maketrans("@4301!|l5$7+", "aaeoiiiisstt")


class ContextWordValidator:
    """Removes words about the product and the account; the rest of the password must be long enough."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = frozenset(map(_folded, words))

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when the rest is too short."""
        folded = _folded(password)
        words = sorted(self._words | _words_of(user), key=len, reverse=True)
        left = re.sub("|".join(map(re.escape, words)), "", folded) if words else folded
        if len(left) < min(LENGTH_MINIMUM, len(folded)):
            raise ValidationError(
                "This password consists mostly of words about you or this service. Add other words.",
                code="password_of_context_words",
            )

    def get_help_text(self) -> str:
        """Return the hint for users who choose a password."""
        return "Your password must consist of more than your name, your address and the name of this service."


def _words_of(user: Any) -> set[str]:
    values = [str(getattr(user, name, "") or "") for name in ATTRIBUTES]
    parts = [part for value in values for part in (value, *re.split(r"[\W_]+", value))]
    return {folded for part in parts if len(folded := _folded(part)) >= WORD_LENGTH_MINIMUM}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(LOOK_ALIKES)


logger = logging.getLogger("keyhouse.passwords")


class KnownPasswordValidator:
    """Searches the list that ships with Keyhouse, and the operator's file of breached passwords if it is configured."""

    def __init__(self, breached_passwords_file: str = "") -> None:
        self._breached = BreachedPasswordFile(Path(breached_passwords_file)) if breached_passwords_file else None

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  Django's interface
        """Raise ValidationError for a common or breached password, Unavailable when the file cannot be read."""
        if is_common_password(password):
            raise ValidationError("This password is too common. Choose another one.", code="password_too_common")
        if self._is_breached(password):
            reason = "This password is known from a data breach. Choose another one."
            raise ValidationError(reason, code="password_breached")

    def get_help_text(self) -> str:
        """Return the hint for users who choose a password."""
        return "Your password must not be common or known from a data breach."

    def _is_breached(self, password: str) -> bool:
        try:
            return self._breached is not None and self._breached.contains(password)
        except (OSError, ValueError) as error:
            logger.error("the file of breached passwords cannot be read: %s", type(error).__name__)  # noqa: TRY400
            raise Unavailable("Passwords cannot be checked. Retry shortly.") from None


class PasswordTextValidator:
    """Rejects NUL, text that UTF-8 cannot encode, and text over the maximum; all other characters are allowed."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  Django's interface
        """Raise ValidationError for text that cannot be a password."""
        if len(password) > PASSWORD_LENGTH_MAXIMUM:
            raise ValidationError(f"A password has at most {PASSWORD_LENGTH_MAXIMUM} characters.", "password_too_long")
        if "\x00" in password or not _is_encodable(password):
            raise ValidationError("This password contains characters that are not allowed.", "password_not_text")

    def get_help_text(self) -> str:
        """Return the hint for users who choose a password."""
        return f"Your password may have up to {PASSWORD_LENGTH_MAXIMUM} characters of any kind."


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

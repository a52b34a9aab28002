"""Rejects passwords that are common or known from a breach (ASVS 5.0, 6.2.4 and 6.2.12)."""

import logging
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from apps.core.errors import Unavailable
from apps.users.repositories.breached_password_file import BreachedPasswordFile
from apps.users.repositories.common_password_list import is_common_password

logger = logging.getLogger("keyhouse.passwords")


class KnownPasswordValidator:
    """Searches the list that ships with Keyhouse, and the operator's file of breached passwords if it is configured."""

    def __init__(self, breached_passwords_file: str = "") -> None:
        self._breached = BreachedPasswordFile(Path(breached_passwords_file)) if breached_passwords_file else None

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  Django's interface
        """Raise ValidationError for a known password, Unavailable when the file cannot be read; reads files."""
        if is_common_password(password):
            raise ValidationError("This password is too common.", code="password_too_common")
        if self._is_breached(password):
            raise ValidationError("This password is known from a data breach.", code="password_breached")

    def get_help_text(self) -> str:
        """Return the hint for people who choose a password."""
        return "Your password must not be common or known from a data breach."

    def _is_breached(self, password: str) -> bool:
        try:
            return self._breached is not None and self._breached.contains(password)
        except (OSError, ValueError) as error:
            logger.error("the file of breached passwords cannot be read: %s", type(error).__name__)  # noqa: TRY400
            raise Unavailable("Passwords cannot be checked. Retry shortly.") from None

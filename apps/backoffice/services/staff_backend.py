"""What Django knows of staff: who has which permissions."""

from typing import Any

from django.contrib.auth.backends import ModelBackend


class StaffBackend(ModelBackend):
    """Django's permissions. Nobody signs in by it: passwords are judged by StaffSessions, on the admin's own page."""

    def authenticate(self, request: Any, **_credentials: Any) -> None:  # type: ignore[override]
        """Let nobody in."""

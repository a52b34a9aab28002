"""Django's authentication backend for staff: permissions only."""

from typing import Any

from django.contrib.auth.backends import ModelBackend


class StaffBackend(ModelBackend):
    """Looks up the permissions of staff, by Django's synchronous ORM, as the admin does.

    It authenticates no one: StaffSessions checks passwords, for the admin's own login page.
    """

    def authenticate(self, request: Any, **_credentials: Any) -> None:  # type: ignore[override]
        """Authenticate no one."""

"""Django's authentication backend for staff: what they may do, and nothing else."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from apps.core.admin.staff_rights import allows, allows_app


class StaffBackend(ModelBackend):
    """Answers Django's questions about permissions from the scopes that the signed-in member of staff holds.

    Rows of Django's own permissions, of accounts or of groups, have no effect. It authenticates no one: StaffSessions
    checks passwords, for the admin's own login page.
    """

    def authenticate(self, request: Any, **_credentials: Any) -> None:  # type: ignore[override]
        """Authenticate no one."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return whether the scopes of the account allow what Django calls the permission."""
        return allows(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Return whether the scopes of the account allow to view a list of the app."""
        return allows_app(user_obj, app_label)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return no permissions: rights are scopes."""
        return set()

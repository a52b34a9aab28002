"""How staff sign in to the admin: the same judge of passwords as the API has."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser

from apps.authentication.dependencies import password_check
from apps.core.database.sync_calls import call_service
from apps.core.errors import TooManyRequests, Unavailable
from apps.core.http.address_limits import LOGIN, limit_by_address
from apps.core.security.passwords import PASSWORD_LENGTH_MAXIMUM


class StaffBackend(ModelBackend):
    """Django's permissions, with sign-in through PasswordCheck: limited, counted, and locked after five wrong ones."""

    def authenticate(  # type: ignore[override]  # Django calls it by keyword, and any account class will do
        self, request: Any, username: str | None = None, password: str | None = None, **_other: Any
    ) -> AbstractBaseUser | None:
        """Return the account if the password is right and neither the address nor its pair with the account is locked.

        Calls count against the same limit per address as those of the API's own sign-in.
        """
        if not username or not password or len(password) > PASSWORD_LENGTH_MAXIMUM:
            return None
        try:
            if request is not None:
                call_service(limit_by_address, request, "login", LOGIN)
            credentials = call_service(password_check().sign_in, username, password)
        except (TooManyRequests, Unavailable):
            return None
        return self.get_user(credentials.user_id) if credentials else None

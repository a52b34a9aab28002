"""How staff sign in to the admin: the same judge of passwords as the API has."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser

from apps.authentication.dependencies import password_check
from apps.core.database.sync_calls import call_service
from apps.core.errors import TooManyRequests


class StaffBackend(ModelBackend):
    """Django's permissions, with sign-in through PasswordCheck: counted, and locked after five wrong passwords."""

    def authenticate(  # type: ignore[override]  # Django calls it by keyword, and any account class will do
        self, request: Any, username: str | None = None, password: str | None = None, **_other: Any
    ) -> AbstractBaseUser | None:
        """Return the account if the password is right and the pair of account and address is not locked."""
        if not username or not password:
            return None
        try:
            credentials = call_service(password_check().sign_in, username, password)
        except TooManyRequests:
            return None
        return self.get_user(credentials.user_id) if credentials else None

"""Which passwords may be set: Django's validators, as configured in AUTH_PASSWORD_VALIDATORS."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.errors import ErrorDetail, ValidationFailed
from apps.users.models import User


async def check_new_password(password: str, *, field: str = "password", **account: str) -> None:
    """Raise ValidationFailed with each reason why the password may not be set for the account.

    The validators read a word list at first use and compare at length, so they run beside the hashing.
    """
    try:
        await run_in_hashing_thread(validate_password, password, User(**account))
    except ValidationError as error:
        raise ValidationFailed(details=[ErrorDetail(field, message) for message in error.messages]) from error

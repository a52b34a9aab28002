"""Checks new passwords by Django's validators, as configured in AUTH_PASSWORD_VALIDATORS."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.core.crypto.passwords import REPLACEMENT, HashingQueue
from apps.core.errors import ErrorDetail, ValidationFailed
from apps.users.models import User


async def check_new_password(
    password: str, queue: HashingQueue = REPLACEMENT, /, *, field: str = "password", **account: str
) -> None:
    """Raise ValidationFailed with each reason why the account may not have the password, for the field `field`.

    The validators read files and use the CPU for a while, so they run on the hashing threads.
    """
    try:
        await queue.run(validate_password, password, User(**account))
    except ValidationError as error:
        raise ValidationFailed(details=[ErrorDetail(field, message) for message in error.messages]) from error

"""The kinds of value an account has."""

from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from apps.core.schemas.fields import Text
from apps.core.security.passwords import PASSWORD_LENGTH_MAXIMUM

FULL_NAME_LENGTH_MAXIMUM = 200


def _is_email(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError as error:
        raise ValueError("is not an e-mail address") from error
    return value


def _has_no_nul(value: SecretStr) -> SecretStr:
    if "\x00" in value.get_secret_value():
        raise ValueError("must not contain NUL characters")
    return value


EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254),
    AfterValidator(_is_email),
    Field(json_schema_extra={"format": "email"}),
]
Username = Annotated[str, StringConstraints(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9_.@+-]+$")]
FullName = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=FULL_NAME_LENGTH_MAXIMUM)]
# A password that is being presented may be anything; one that is being set is judged by Django's validators too.
Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LENGTH_MAXIMUM), AfterValidator(_has_no_nul)]

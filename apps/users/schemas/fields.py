"""The kinds of value an account or a role has."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from apps.core.api_path import API_PATH
from apps.core.email_addresses import EMAIL_LENGTH_MAXIMUM, require_email
from apps.core.schemas.fields import ShortText, Text
from apps.core.security.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.security.scope_catalogue import ROLE_SCOPES

ROLES_MAXIMUM = 50
PERMISSIONS_MAXIMUM = 500

FULL_NAME_LENGTH_MAXIMUM = 200
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _is_one_line(value: str) -> str:
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} or letter in BIDI_CONTROLS for letter in value):
        raise ValueError("must not contain control characters, nor any that turn the direction of text")
    return value


def _has_no_nul(value: SecretStr) -> SecretStr:
    if "\x00" in value.get_secret_value():
        raise ValueError("must not contain NUL characters")
    return value


def _is_given_by_roles(value: str) -> str:
    if value not in ROLE_SCOPES:
        raise ValueError(f"is not a scope that roles give; GET {API_PATH}/scopes lists them")
    return value


def _in_order(values: list[str]) -> list[str]:
    return sorted(set(values))


EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=EMAIL_LENGTH_MAXIMUM),
    AfterValidator(require_email),
    Field(json_schema_extra={"format": "email"}),
]
Username = Annotated[str, StringConstraints(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9_.@+-]+$")]
FullName = Annotated[
    Text,
    StringConstraints(strip_whitespace=True, max_length=FULL_NAME_LENGTH_MAXIMUM),
    AfterValidator(_is_one_line),
]
# A password that is being presented may be anything; one that is being set is judged by Django's validators too.
Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LENGTH_MAXIMUM), AfterValidator(_has_no_nul)]
RoleName = ShortText
RoleNames = Annotated[list[RoleName], Field(max_length=ROLES_MAXIMUM), AfterValidator(_in_order)]
RoleScopes = Annotated[
    list[Annotated[ShortText, AfterValidator(_is_given_by_roles)]],
    Field(max_length=len(ROLE_SCOPES)),
    AfterValidator(_in_order),
]
PermissionNames = Annotated[list[ShortText], Field(max_length=PERMISSIONS_MAXIMUM), AfterValidator(_in_order)]

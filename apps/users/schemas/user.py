"""Accounts in requests and responses."""

from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from django.utils import timezone
from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationInfo, field_validator

from apps.core.authorization.catalogue import ROLE_SCOPES
from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.schemas.base import ReasonedRequest, RequestSchema, ResponseSchema, VersionedOut
from apps.core.schemas.fields import COMPOSED, CustomerMessage, Flag, OneLine, ShortText, Text, Timestamp, omitted
from apps.core.schemas.page import CursorQuery
from apps.core.values.api_contract import API_PATH
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM, require_email

if TYPE_CHECKING:
    from apps.users.models import User
from typing import Literal

ROLES_MAXIMUM = 50
FULL_NAME_LENGTH_MAXIMUM = 200
USERNAME_LENGTH_MAXIMUM = 150


def _has_no_nul(value: SecretStr) -> SecretStr:
    if "\x00" in value.get_secret_value():
        raise ValueError("must not contain NUL characters")
    return value


def _is_given_by_roles(value: str) -> str:
    if value not in ROLE_SCOPES:
        raise ValueError(f"must be a scope that roles can give; see GET {API_PATH}/scopes")
    return value


def _in_order(values: list[str]) -> list[str]:
    return sorted(set(values))


EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=EMAIL_LENGTH_MAXIMUM),
    AfterValidator(require_email),
    Field(json_schema_extra={"format": "email"}),
]
Username = Annotated[
    str, StringConstraints(min_length=1, max_length=USERNAME_LENGTH_MAXIMUM, pattern=r"^[A-Za-z0-9_.@+-]+$")
]
FullName = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=FULL_NAME_LENGTH_MAXIMUM), OneLine, COMPOSED
]
# A password that is checked may be any text; one that is set must pass AUTH_PASSWORD_VALIDATORS too.
Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LENGTH_MAXIMUM), AfterValidator(_has_no_nul)]
TOKEN_LENGTH_MAXIMUM = 200
# The token from the link in a message.
PresentedToken = Annotated[SecretStr, Field(min_length=1, max_length=TOKEN_LENGTH_MAXIMUM)]
RoleName = ShortText
RoleNames = Annotated[list[RoleName], Field(max_length=ROLES_MAXIMUM), AfterValidator(_in_order)]
RoleScopes = Annotated[
    list[Annotated[ShortText, AfterValidator(_is_given_by_roles)]],
    Field(max_length=len(ROLE_SCOPES)),
    AfterValidator(_in_order),
]


class UserCreate(RequestSchema):
    """A new account. `invitation` is the token from the link in an invitation."""

    email: EmailAddress
    username: Username
    password: Password
    full_name: FullName = ""
    invitation: PresentedToken = Field(default_factory=omitted)

    @property
    def account(self) -> dict[str, str]:
        """The account without its password."""
        return {"email": self.email, "username": self.username, "full_name": self.full_name}


class RegistrationConfirm(RequestSchema):
    """The token from the message, and the password of the sign-up."""

    token: PresentedToken
    password: Password


class UserQuery(CursorQuery):
    """Filters: `search` is part of the e-mail address, user name or full name, in any spelling.

    The `total` of a search is counted up to 10,000.
    """

    search: Annotated[Text, StringConstraints(max_length=EMAIL_LENGTH_MAXIMUM)] | None = None
    is_active: bool | None = None


ACCESS_FIELDS = frozenset({"is_active", "is_staff"})
# The address receives links that set a new password, so it gives access too.
RIGHTS_FIELDS = frozenset({"email", "is_staff", "roles"})
# The changes about which staff can send the owner a message.
MESSAGE_FIELDS = ("plan", "is_active")


class UserUpdate(ReasonedRequest):
    """The fields to change; omitted fields stay as they are.

    `plan`, by name, needs the scope `customers:write`, `is_active` the scope `customers:suspend`, and `roles`, by name,
    which replace the current ones, the scope `staff:manage`. Your own plan and roles cannot be set.

    `message` is for the owner, who reads it in a mail about the new `plan` or `is_active`; without it no mail is sent.
    """

    email: EmailAddress = Field(default_factory=omitted)
    username: Username = Field(default_factory=omitted)
    full_name: FullName = Field(default_factory=omitted)
    plan: ShortText = Field(default_factory=omitted)
    is_active: Flag = Field(default_factory=omitted)
    roles: RoleNames = Field(default_factory=omitted)
    message: CustomerMessage = ""

    @field_validator("message")
    @classmethod
    def _is_about_a_change(cls, message: str, info: ValidationInfo) -> str:
        # The value of a field that is omitted is None, and that of an invalid one is missing.
        if message and all(info.data.get(name, name) is None for name in MESSAGE_FIELDS):
            raise ValueError("can be sent only together with a new plan, or with is_active")
        return message

    @property
    def gives_access(self) -> bool:
        """Whether this change may give access to the account, or rights to it."""
        return not RIGHTS_FIELDS.isdisjoint(self.model_fields_set)

    @property
    def reactivates(self) -> bool:
        """Whether this change reactivates the account."""
        return "is_active" in self.model_fields_set and self.is_active

    @property
    def removes_access(self) -> bool:
        """Whether this change suspends the account or takes staff rights from it."""
        return any(getattr(self, name) is False for name in ACCESS_FIELDS & self.model_fields_set)


class OwnerMessage(ReasonedRequest):
    """What the owner of an account is told about a change."""

    message: CustomerMessage = ""


class UserDelete(OwnerMessage):
    """The deletion of an account. `message` of staff is for its owner, who reads it in the mail about the deletion."""


class UserAdministration(UserUpdate):
    """What the admin may change: also who is staff. The API does not accept it."""

    is_staff: Flag = Field(default_factory=omitted)


def is_email_pending(user: "User") -> bool:
    """Return whether another address of the account is waiting to be confirmed."""
    return user.pending_email_until is not None and user.pending_email_until > timezone.now()


class UserOut(VersionedOut):
    """An account, without its credentials."""

    unversioned = frozenset({"last_login_at"})

    id: int
    email: str
    pending_email: str | None
    username: str
    full_name: str
    plan: str
    is_active: bool
    is_staff: bool
    roles: list[str]
    email_verified_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    last_login_at: Timestamp | None

    @classmethod
    def of(cls, user: "User") -> Self:
        """Return the account's public representation; `plan` must be loaded, and `role_names` annotated."""
        return cls(
            id=user.pk,
            email=user.email,
            pending_email=user.pending_email if is_email_pending(user) else None,
            username=user.username,
            full_name=user.full_name,
            plan=user.plan.name,
            is_active=user.is_active,
            is_staff=user.is_staff,
            roles=sorted(cast("Any", user).role_names),
            email_verified_at=user.email_verified_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
            last_login_at=user.last_login,
        )


class TokenPresented(RequestSchema):
    """The token from the link in a message."""

    token: PresentedToken


class AddressVerified(TokenPresented):
    """The token from the message, and the password of the account."""

    password: Password


class EmailChangeConfirm(TokenPresented):
    """The token from the message, and where that was sent to the new address, the password of the account."""

    password: Password | None = None


class EmailChangeOut(ResponseSchema):
    """`pending` until both addresses have confirmed, then `changed`."""

    status: Literal["pending", "changed"]

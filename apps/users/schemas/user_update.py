"""Changing an account."""

from pydantic import Field

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Flag, ShortText, omitted
from apps.users.schemas.fields import EmailAddress, FullName, RoleNames, Username

STAFF_FIELDS = frozenset({"plan", "is_active"})
SUPERUSER_FIELDS = frozenset({"roles", "is_staff"})
ACCESS_FIELDS = frozenset({"is_active", "is_staff"})
# By the address whoever reads its mail sets a new password.
RIGHTS_FIELDS = frozenset({"email", "is_staff", "roles"})


class UserUpdate(RequestSchema):
    """What to change; what is left out stays. Only staff set `plan` (by name) and `is_active` (not their own to
    false), and only superusers `roles` (by name; they are all there will be)."""

    email: EmailAddress = Field(default_factory=omitted)
    username: Username = Field(default_factory=omitted)
    full_name: FullName = Field(default_factory=omitted)
    plan: ShortText = Field(default_factory=omitted)
    is_active: Flag = Field(default_factory=omitted)
    roles: RoleNames = Field(default_factory=omitted)

    @property
    def needs_staff(self) -> bool:
        """Whether only staff may make this change."""
        return not STAFF_FIELDS.isdisjoint(self.model_fields_set)

    @property
    def needs_superuser(self) -> bool:
        """Whether only a superuser may make this change."""
        return not SUPERUSER_FIELDS.isdisjoint(self.model_fields_set)

    @property
    def gives_access(self) -> bool:
        """Whether this change may let somebody into the account, or give it rights."""
        return not RIGHTS_FIELDS.isdisjoint(self.model_fields_set)

    @property
    def shuts_out(self) -> bool:
        """Whether this change closes a door to the account."""
        return any(getattr(self, name) is False for name in ACCESS_FIELDS & self.model_fields_set)

"""Changing an account in the admin."""

from pydantic import Field

from apps.core.schemas.fields import Flag, omitted
from apps.users.schemas.user_update import UserUpdate


class UserAdministration(UserUpdate):
    """What staff may change beside what clients may; only a superuser says who is staff. No client sends it."""

    is_staff: Flag = Field(default_factory=omitted)

"""Members of staff."""

from typing import ClassVar

from apps.users.models.user import User


class StaffMember(User):
    """An account of staff (`OF_STAFF`), for the admin's list of them. The same row as its `User`."""

    class Meta:
        proxy = True
        verbose_name = "member of staff"
        verbose_name_plural = "staff"
        ordering: ClassVar = ["id"]

"""Where an account's owner is reached by mail."""

from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.prepared_query import prepared
from apps.core.errors import NotFound
from apps.users.models import User


class MailAddressRepository:
    """The addresses of accounts, deleted ones too."""

    async def find(self, user_id: int) -> tuple[str | None, datetime]:
        """Return the account's address, None once it is erased, and the moment by the database's clock.

        Raises NotFound.
        """
        user = await _account_now.first(user_id)
        if user is None:
            raise NotFound
        return user.email if user.erased_at is None else None, vars(user)["moment"]


@prepared
def _account_now(user_id: int) -> QuerySet[User]:
    return User.objects.annotate(moment=Now()).filter(pk=user_id)

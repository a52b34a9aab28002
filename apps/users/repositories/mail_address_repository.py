"""Where an account's owner is reached by mail."""

from datetime import datetime

from django.db.models.functions import Now

from apps.core.errors import NotFound
from apps.users.models import User


class MailAddressRepository:
    """The accounts' addresses, read in the transaction that is open on the calling thread."""

    def of(self, user_id: int) -> tuple[str | None, datetime]:
        """Return the account's address, None once it is erased, and the moment by the database's clock.

        Raises NotFound.
        """
        user = User.objects.annotate(moment=Now()).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return user.email if user.erased_at is None else None, vars(user)["moment"]

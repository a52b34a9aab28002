"""Where an account's owner is reached by mail."""

from datetime import datetime

from django.db.models.functions import Now

from apps.core.errors import NotFound
from apps.users.models import User


class MailAddressRepository:
    """The accounts' addresses, read in the transaction that is open on the calling thread."""

    def of(self, user_id: int) -> tuple[str | None, datetime]:
        """Return the account's address, and the moment by the database's clock; raises NotFound."""
        found = User.objects.filter(pk=user_id).annotate(moment=Now()).values_list("email", "moment").first()
        if found is None:
            raise NotFound
        return found

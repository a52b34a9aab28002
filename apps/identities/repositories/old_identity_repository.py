"""Deletes identities in the transaction that is open on the calling thread."""

from apps.identities.models import Identity


class OldIdentityRepository:
    """The identities' rows, for apps that are not converted yet."""

    def delete_all(self, user_id: int) -> None:
        """Delete the account's identities."""
        Identity.objects.filter(user_id=user_id).delete()

"""All sessions of an account, those that are over among them."""

from apps.authentication.models import Session
from apps.core.database.orm.queries import count, fetch_all


class SessionDataRepository:
    """Reads and removes what sessions keep of a person."""

    async def newest(self, user_id: int, maximum: int) -> tuple[list[Session], int]:
        """Return the newest sessions of the account, and how many there are in all."""
        found = Session.objects.filter(user_id=user_id).order_by("-id")
        return await fetch_all(found[:maximum]), await count(found)

    def remove(self, user_id: int) -> None:
        """Remove all of them, in the transaction that is open on the calling thread."""
        Session.objects.filter(user_id=user_id).delete()

"""How long sessions live."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Least, Now


@dataclass(frozen=True, slots=True)
class SessionLife:
    """For how long a session may be left unused, and how long it may last whatever its use; by the database's clock."""

    idle: timedelta
    absolute: timedelta

    @classmethod
    def of_seconds(cls, idle: int, absolute: int) -> "SessionLife":
        """Return the life that settings name in seconds."""
        return cls(timedelta(seconds=idle), timedelta(seconds=absolute))

    def of_new(self) -> Combinable:
        """Return when a session that begins now is over."""
        return Now() + min(self.idle, self.absolute)

    def of_used(self) -> Combinable:
        """Return when a session that is used now is over."""
        return Least(Now() + self.idle, F("created_at") + self.absolute)

"""The rules of sessions: their authentication, lifetimes, retries of refresh tokens and known devices, and the
principal of a session.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.core.authorization.authentication_methods import FEDERATED, include_second_factor
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.authorization.scopes import held_scopes
from apps.core.values.ip_addresses import site_network


@dataclass(frozen=True, slots=True)
class Authentication:
    """A successful authentication of an account's owner, with its methods (names of RFC 8176).

    `checked_digest` is the `password_digest` of the hash that a password was checked against, None where no password
    was checked: the authentication is valid only while the account has that password. `federated_at` is when another
    provider has authenticated the owner, None where it does not say.
    """

    user_id: int
    methods: tuple[str, ...]
    checked_digest: str | None = None
    federated_at: datetime | None = None

    @property
    def is_by_provider_alone(self) -> bool:
        """Whether another provider has authenticated the owner, and Keyhouse itself has not."""
        return self.methods == (FEDERATED,)


RETRY_PERIOD = timedelta(seconds=10)
ROTATIONS_MAXIMUM = 16  # whose timestamps a session keeps
DEVICE_MEMORY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class SessionLifetime:
    """How long a session may stay unused (`idle`), and its maximum lifetime (`absolute`)."""

    idle: timedelta
    absolute: timedelta

    @classmethod
    def of_seconds(cls, idle: int, absolute: int) -> "SessionLifetime":
        """Return the lifetime for two numbers of seconds."""
        return cls(timedelta(seconds=idle), timedelta(seconds=absolute))


@dataclass(frozen=True, slots=True)
class RefreshHistory:
    """The times at which the last refresh tokens of a session were spent, in order; `now` is the database's
    clock.

    A token that was spent within RETRY_PERIOD is accepted again, for a client that refreshes concurrently or lost the
    response, regardless of the number of refreshes since.
    """

    generation: int
    spent_at: tuple[datetime, ...]
    now: datetime

    @classmethod
    def of(cls, session: Any) -> "RefreshHistory":
        """Return the history of a session that was locked for a refresh."""
        last = [session.rotated_at] if session.rotated_at else []
        return cls(session.generation, (*session.earlier_rotations, *last), session.database_now)

    def may_retry(self, generation: int) -> bool:
        """Return whether the token of this generation was spent within RETRY_PERIOD."""
        behind = self.generation - generation
        return 1 <= behind <= len(self.spent_at) and self._is_recent(self.spent_at[-behind])

    def recent(self) -> list[datetime]:
        """Return the times within RETRY_PERIOD, up to ROTATIONS_MAXIMUM of them, the latest last."""
        return [spent_at for spent_at in self.spent_at if self._is_recent(spent_at)][-ROTATIONS_MAXIMUM:]

    def _is_recent(self, spent_at: datetime) -> bool:
        return spent_at > self.now - RETRY_PERIOD


def is_known_device(address: str | None, addresses: Iterable[str | None]) -> bool:
    """Return whether the address is in the network of one that the same user agent has used."""
    network = site_network(address)
    return any(site_network(used) == network for used in addresses)


def principal_of(session: Any, *, recently_authenticated: bool = False) -> Principal:
    """Return the principal of the session, which must be loaded with its user, the roles and their scopes.

    If staff need a second factor, a session without one has no staff rights.
    """
    user = session.user
    is_one_factor = settings.REQUIRE_STAFF_SECOND_FACTOR and not include_second_factor(session.methods)
    is_staff = user.is_staff and not is_one_factor
    is_superuser = user.is_superuser and is_staff
    return Principal(
        user_id=session.user_id,
        kind=CredentialKind.SESSION,
        is_staff=is_staff,
        is_superuser=is_superuser,
        session_id=session.pk,
        scopes=held_scopes(session.role_scopes, is_staff=is_staff, is_superuser=is_superuser),
        roles=frozenset(session.role_names),
        methods=frozenset(session.methods),
        recently_authenticated=recently_authenticated,
        lacks_second_factor=user.is_staff and is_one_factor,
    )

"""Writes sessions, and locks them for changes."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Least, Now

from apps.authentication.domain.session_rules import SessionLifetime
from apps.authentication.models import Session
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, fetch_all, lock_all, lock_one
from apps.core.database.orm.writes import delete, insert, update
from apps.core.database.statements import fetch_rows, load_statements
from apps.core.errors import NotFound

SQL = load_statements(Path(__file__).with_name("sessions.sql"))


class SessionRepository:
    """The sessions' rows. Lock the account before its sessions. All timestamps are by the database's clock."""

    async def insert(self, session: Session, lifetime: SessionLifetime) -> Session:
        """Insert a session that begins now, and return it with its user, the roles and their scopes."""
        session.last_used_at = Now()
        session.expires_at = Now() + min(lifetime.idle, lifetime.absolute)
        await insert(session)
        (inserted,) = await _session_with_user.all(session.pk)
        return inserted

    async def addresses_of(self, user_id: int, user_agent: str, within: timedelta) -> list[str | None]:
        """Return the addresses from which the user agent has used sessions of the account during the last `within`."""
        values = {"user_id": user_id, "user_agent": user_agent, "within": within}
        return [address for (address,) in await fetch_rows(SQL["addresses"], values)]

    async def lock(self, session_id: int, user_id: int) -> Session:
        """Lock the account's live session and return it; raises NotFound."""
        session = await _live_session_of.lock(session_id, user_id)
        if session is None:
            raise NotFound
        return session

    async def lock_of_account(self, user_id: int) -> list[Session]:
        """Lock the account's live sessions and return them in order of id."""
        return await _live_sessions_of.lock_all(user_id)

    async def lock_between(self, ids: range) -> list[Session]:
        """Lock the live sessions of all accounts with these ids and return them in order of id."""
        return await lock_all(live().filter(pk__gte=ids.start, pk__lt=ids.stop))

    async def lock_by_family(self, family_digest: bytes) -> Session | None:
        """Lock the family's live session and return it with its user and the database's clock, `database_now`; or None.

        After waiting for the lock, the row is as the other transaction has left it.
        """
        now = ExpressionWrapper(Now(), output_field=DateTimeField())
        return await lock_one(with_user(live()).filter(family_digest=family_digest).annotate(database_now=now))

    async def rotate(self, session: Session, recent: Sequence[datetime], lifetime: SessionLifetime) -> None:
        """Advance a locked session to its next generation; `recent` are the earlier rotations to keep."""
        session.generation += 1
        await update(
            Session.objects.filter(pk=session.pk),
            generation=session.generation,
            rotated_at=Now(),
            earlier_rotations=list(recent),
            last_used_at=Now(),
            expires_at=Least(Now() + lifetime.idle, F("created_at") + lifetime.absolute),
        )

    async def record_authentication(self, session: Session, methods: Sequence[str]) -> None:
        """Store the methods by which the owner of a locked session has authenticated now."""
        await update(Session.objects.filter(pk=session.pk), methods=list(methods), authenticated_at=Now())

    async def revoke(self, session_ids: Collection[int], reason: str) -> None:
        """Revoke locked sessions."""
        if session_ids:
            await update(Session.objects.filter(pk__in=session_ids), revoked_at=Now(), revoked_reason=reason)

    async def newest(self, user_id: int, maximum: int) -> tuple[list[Session], int]:
        """Return up to `maximum` of the account's newest sessions, including ended ones, and their total number."""
        found = Session.objects.filter(user_id=user_id).order_by("-id")
        return await fetch_all(found[:maximum]), await count(found)

    async def delete_of_account(self, user_id: int) -> None:
        """Delete all sessions of the account."""
        await delete(Session.objects.filter(user_id=user_id))


def live() -> QuerySet[Session]:
    """Return sessions that are not revoked or expired, and began after their account's sessions were last ended."""
    began_since = Q(user__sessions_ended_at=None) | Q(created_at__gt=F("user__sessions_ended_at"))
    return Session.objects.filter(began_since, revoked_at=None, expires_at__gt=Now())


def with_user(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Add the user, the names of the user's roles, and the scopes of those roles."""
    roles = Group.objects.filter(user=OuterRef("user_id"))
    given = roles.filter(scopes__scope__isnull=False).values("scopes__scope")
    return sessions.select_related("user").annotate(
        role_names=ArraySubquery(roles.values("name")), role_scopes=ArraySubquery(given)
    )


@prepared
def _session_with_user(session_id: int) -> QuerySet[Session]:
    return with_user(Session.objects.filter(pk=session_id))


@prepared
def _live_session_of(session_id: int, user_id: int) -> QuerySet[Session]:
    return live().filter(pk=session_id, user_id=user_id)


@prepared
def _live_sessions_of(user_id: int) -> QuerySet[Session]:
    return live().filter(user_id=user_id)

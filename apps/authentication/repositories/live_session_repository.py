"""Finds sessions that are live, for the requests that they authenticate."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from apps.authentication.domain.session_rules import SessionLifetime
from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import SQL, live, with_user
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import exists, fetch_after, fetch_one
from apps.core.database.statements import execute, fetch_rows
from apps.core.values.api_contract import RECENT_AUTHENTICATION_SECONDS

RECORDED_USE_SECONDS = 60
RECENTLY_AUTHENTICATED = ExpressionWrapper(
    Q(authenticated_at__isnull=False)
    & Q(authenticated_at__gt=Now() - timedelta(seconds=RECENT_AUTHENTICATION_SECONDS))
    & (Q(user__proofs_ended_at=None) | Q(authenticated_at__gt=F("user__proofs_ended_at"))),
    output_field=BooleanField(),
)
USE_IS_RECORDED = ExpressionWrapper(
    Q(last_used_at__gte=Now() - timedelta(seconds=RECORDED_USE_SECONDS)), output_field=BooleanField()
)


class LiveSession(NamedTuple):
    """A session, and whether its owner has authenticated within RECENT_AUTHENTICATION_SECONDS by the database's clock.

    `use_is_recorded` is false for a session of the admin that was last recorded as used RECORDED_USE_SECONDS ago.
    """

    session: Session
    recently_authenticated: bool
    use_is_recorded: bool = True


class LiveSessionRepository:
    """Reads sessions that are neither revoked nor expired."""

    async def find(self, session_id: int) -> LiveSession | None:
        """Return the session with its user and their roles, or None."""
        session = await _live_session.first(session_id)
        return LiveSession(session, vars(session)["recently_authenticated"]) if session else None

    async def find_of_admin(self, session_id: int) -> LiveSession | None:
        """Return the session with its user and their roles if it is one of the admin, or None."""
        session = await _live_session_of_admin.first(session_id)
        if session is None:
            return None
        return LiveSession(session, vars(session)["recently_authenticated"], vars(session)["use_is_recorded"])

    async def record_use(self, session_id: int, lifetime: SessionLifetime) -> None:
        """Record that the session is used now, and extend its expiry; at most once in RECORDED_USE_SECONDS."""
        values = {"session_id": session_id, "idle": lifetime.idle, "absolute": lifetime.absolute}
        await execute(SQL["record_use"], values)

    async def has_earlier_of_admin(self, user_id: int, session_id: int) -> bool:
        """Return whether a session of the admin is stored for the account, live or not, that began before this one."""
        earlier = Session.objects.filter(user_id=user_id, kind=Session.Kind.ADMIN, pk__lt=session_id)
        return await exists(earlier)

    async def find_id_of_family(self, family_digest: bytes) -> int | None:
        """Return the id of the family's session, live or not, or None."""
        session = await fetch_one(Session.objects.filter(family_digest=family_digest))
        return session.pk if session else None

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[Session], int]:
        """Return one page of the account's live sessions, newest first, and how many there are."""
        return await _live_sessions_of.page(offset, size, user_id)

    async def after(self, user_id: int, position: int, maximum: int) -> list[Session]:
        """Return up to `maximum` of the account's live sessions that follow a position, newest first."""
        return await fetch_after(live().filter(user_id=user_id), position, maximum, newest_first=True)

    async def ids(self) -> range:
        """Return the range that contains the ids of all live sessions."""
        ((least, greatest),) = await fetch_rows(SQL["live_ids"])
        return range(least, greatest + 1)


@prepared
def _live_session(session_id: int) -> QuerySet[Session]:
    return with_user(live()).filter(pk=session_id).annotate(recently_authenticated=RECENTLY_AUTHENTICATED)


@prepared
def _live_session_of_admin(session_id: int) -> QuerySet[Session]:
    found = with_user(live()).filter(pk=session_id, kind=Session.Kind.ADMIN)
    return found.annotate(recently_authenticated=RECENTLY_AUTHENTICATED, use_is_recorded=USE_IS_RECORDED)


@prepared
def _live_sessions_of(user_id: int) -> QuerySet[Session]:
    return live().filter(user_id=user_id).order_by("-id")

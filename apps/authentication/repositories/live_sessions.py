"""Sessions that live: finding them, and ending them."""

from datetime import timedelta

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.core.database.orm.prepared_query import prepared
from apps.core.values.lifetimes import RECENT_AUTHENTICATION_SECONDS

NOTED_USE_SECONDS = 60
RECENTLY_PROVEN = ExpressionWrapper(
    Q(authenticated_at__gt=Now() - timedelta(seconds=RECENT_AUTHENTICATION_SECONDS))
    & (Q(user__proofs_ended_at=None) | Q(authenticated_at__gt=F("user__proofs_ended_at"))),
    output_field=BooleanField(),
)
USE_IS_UNNOTED = ExpressionWrapper(
    Q(last_used_at__lt=Now() - timedelta(seconds=NOTED_USE_SECONDS)), output_field=BooleanField()
)


@prepared
def live_session(session_id: int) -> QuerySet[Session]:
    """Return the session with its user, their roles, and whether it was proven lately, if it lives."""
    return with_user(live()).filter(pk=session_id).annotate(recently_authenticated=RECENTLY_PROVEN)


@prepared
def live_session_of_admin(session_id: int) -> QuerySet[Session]:
    """Return the same of a session of the admin, and whether this use of it has to be noted."""
    known = live().filter(pk=session_id, kind=Session.Kind.ADMIN)
    return with_user(known).annotate(recently_authenticated=RECENTLY_PROVEN, is_use_unnoted=USE_IS_UNNOTED)


@prepared
def live_sessions_of(user_id: int) -> QuerySet[Session]:
    """Return the user's, newest first."""
    return live().filter(user_id=user_id).order_by("-id")


def with_user(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Add the user, the names of their roles, and the scopes that these give."""
    roles = Group.objects.filter(user=OuterRef("user_id"))
    given = roles.filter(scopes__scope__isnull=False).values("scopes__scope")
    return sessions.select_related("user").annotate(
        role_names=ArraySubquery(roles.values("name")), role_scopes=ArraySubquery(given)
    )


def live() -> QuerySet[Session]:
    """Return those that are neither revoked nor over, and began after whatever shut their user out."""
    not_shut_out = Q(user__sessions_ended_at=None) | Q(created_at__gt=F("user__sessions_ended_at"))
    return Session.objects.filter(not_shut_out, revoked_at=None, expires_at__gt=Now())


def end_all(user_id: int, kept_id: int | None, reason: str) -> list[int]:
    """End every session of the user, but one if it is named, and return their ids."""
    found = live().filter(user_id=user_id)
    others = found if kept_id is None else found.exclude(pk=kept_id)
    # Locked in one order, so that devices that end each other's sessions wait and never deadlock.
    ids = [session.pk for session in others.order_by("id").select_for_update(of=("self",))]
    end(Session.objects.filter(pk__in=ids), reason)
    return ids


def end(sessions: QuerySet[Session], reason: str) -> None:
    """Revoke them now."""
    sessions.update(revoked_at=Now(), revoked_reason=reason)

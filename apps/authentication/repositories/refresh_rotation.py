"""The generations of a session's refresh tokens: going on to the next one, and which spent ones may be repeated."""

from datetime import datetime, timedelta

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.authentication.repositories.live_sessions import live, with_user
from apps.authentication.repositories.session_life import SessionLife

REUSE = timedelta(seconds=10)
REMEMBERED_MAXIMUM = 16


def lock_family(family_digest: bytes) -> Session | None:
    """Return the family's live session with its user, locked in the transaction open on this thread, or None.

    Whoever had to wait for the row sees it as the one before has left it. `asked_at` is the database's clock.
    """
    found = with_user(live()).select_for_update(of=("self",)).filter(family_digest=family_digest)
    return found.annotate(asked_at=ExpressionWrapper(Now(), output_field=DateTimeField())).first()


def rotate(session: Session, life: SessionLife) -> None:
    """Go on to the next generation, and remember the moments of the rotations before that still count."""
    session.earlier_rotations = [at for at in _spent_at(session) if _is_fresh(session, at)][-REMEMBERED_MAXIMUM:]
    session.generation += 1
    session.rotated_at = session.last_used_at = Now()
    session.expires_at = life.of_used()
    session.save(
        update_fields=["generation", "rotated_at", "earlier_rotations", "last_used_at", "expires_at", "updated_at"]
    )


def may_be_repeated(session: Session, generation: int) -> bool:
    """Return whether the generation was spent within REUSE, by the database's clock."""
    spent_at, behind = _spent_at(session), session.generation - generation
    return 1 <= behind <= len(spent_at) and _is_fresh(session, spent_at[-behind])


def _spent_at(session: Session) -> list[datetime]:
    """Return when the last generations were spent, that before the current one last."""
    return [*session.earlier_rotations, *([session.rotated_at] if session.rotated_at else [])]


def _is_fresh(session: Session, moment: datetime) -> bool:
    asked_at: datetime = vars(session)["asked_at"]
    return moment > asked_at - REUSE

"""Signs users in."""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.authentication.dependencies import key_ring
from apps.authentication.domain.refresh_token import new_family
from apps.authentication.models import Session
from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens
from apps.core.event_loop import call_service
from apps.users.models import User


def sign_in(user: User) -> dict[str, str]:
    """Create a session of the user without a password, and return its headers."""
    session = Session.objects.create(
        user=user,
        family_digest=new_family().family_digest,
        last_used_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    tokens = AccessTokens(key_ring(), issuer=settings.TOKEN_ISSUER, audience=settings.TOKEN_AUDIENCE)
    token = call_service(tokens.issue, AccessClaims(user.pk, session.pk))
    return {"Authorization": f"Bearer {token}"}


def age_rotations(seconds: float) -> None:
    """Shift the times of all rotations into the past by `seconds`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sessions SET rotated_at = rotated_at - make_interval(secs => %(seconds)s), earlier_rotations = "
            "ARRAY(SELECT at - make_interval(secs => %(seconds)s) FROM unnest(earlier_rotations) AS at ORDER BY at)",
            {"seconds": seconds},
        )

"""What a browser's session says of the session of the admin that it stands for."""

from contextlib import suppress

from django.contrib.auth import login
from django.http import HttpRequest

from apps.authentication.dependencies import session_service
from apps.authentication.services.staff_sessions import StaffSignedIn
from apps.backoffice.services.staff_backend import StaffBackend
from apps.core.admin.acting_staff import acting_staff
from apps.core.errors import NotFound
from apps.core.event_loop.sync_calls import call_service

SESSION_ID = "staff_session_id"
BACKEND = f"{StaffBackend.__module__}.{StaffBackend.__qualname__}"


def signed_in_session_id(request: HttpRequest) -> int | None:
    """Return the id of the session that the browser has signed in to, if any."""
    session_id: int | None = request.session.get(SESSION_ID)
    return session_id


def sign_in_browser(request: HttpRequest, signed_in: StaffSignedIn) -> None:
    """Make the browser's session stand for a session of the admin.

    It gets a new key and keeps nothing: neither what was known of the browser before, nor who was signed in to it.
    """
    sign_out_browser(request)
    login(request, StaffBackend().get_user(signed_in.user_id), backend=BACKEND)
    request.session[SESSION_ID] = signed_in.session_id


def sign_out_browser(request: HttpRequest) -> None:
    """End the session that the browser is signed in to, if it still holds, and forget the browser."""
    if request.user.is_authenticated:
        with suppress(NotFound):  # somebody else has just ended it
            call_service(session_service().logout, acting_staff(request))
    request.session.flush()

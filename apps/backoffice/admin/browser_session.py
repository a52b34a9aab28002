"""Binds a browser's Django session to a session of the admin, which authenticates the browser's requests."""

from contextlib import suppress
from functools import partial

from django.contrib.auth import get_user, login
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import SimpleLazyObject

from apps.authentication.dependencies import session_service, staff_sessions
from apps.authentication.services.staff_sessions import StaffSignedIn
from apps.backoffice.admin.error_pages import domain_error_page
from apps.backoffice.admin.navigation import url_with_next
from apps.backoffice.admin.staff_backend import StaffBackend
from apps.core.admin.staff_rights import acting_staff, set_principal
from apps.core.errors import DomainError, NotFound, StepUpRequired
from apps.core.event_loop import call_service

SESSION_ID = "staff_session_id"
BACKEND = f"{StaffBackend.__module__}.{StaffBackend.__qualname__}"


class StaffAuthenticationMiddleware(AuthenticationMiddleware):
    """Sets `request.user`: the account of the browser's session, as long as the session of the admin is live.

    It is read at its first use, at the latest by the admin's check before each page, so that a session that
    was ended is refused at the next request. There is no `request.auser`, which would bypass the check.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Redirect to the re-authentication page, which leads back, when a service raises StepUpRequired.

        Other errors of services, which no form shows, have a page.
        """
        if isinstance(exception, StepUpRequired):
            return HttpResponseRedirect(url_with_next("reauthentication", request.get_full_path()))
        return domain_error_page(request, exception) if isinstance(exception, DomainError) else None

    def process_request(self, request: HttpRequest) -> None:
        """Defer reading the user to its first use."""
        request.user = SimpleLazyObject(partial(_user_of, request))  # type: ignore[assignment]


def signed_in_session_id(request: HttpRequest) -> int | None:
    """Return the id of the session that the browser has signed in to, if any."""
    session_id: int | None = request.session.get(SESSION_ID)
    return session_id


def sign_in_browser(request: HttpRequest, signed_in: StaffSignedIn) -> None:
    """Bind the browser's session to a session of the admin.

    The browser's session gets a new key and loses its former data and account.
    """
    sign_out_browser(request)
    login(request, StaffBackend().get_user(signed_in.user_id), backend=BACKEND)
    request.session[SESSION_ID] = signed_in.session_id


def sign_out_browser(request: HttpRequest) -> None:
    """End the session that the browser is signed in to, if it is live, and delete the browser's own."""
    if request.user.is_authenticated:
        with suppress(NotFound):  # another request has just ended it
            call_service(session_service().logout, acting_staff(request))
    request.session.flush()


def _user_of(request: HttpRequest) -> object:
    session_id = signed_in_session_id(request)
    if session_id is None:
        return AnonymousUser()
    user = get_user(request)
    principal = call_service(staff_sessions().authenticate, session_id, user.pk) if user.is_authenticated else None
    if principal is None:
        request.session.flush()
        return AnonymousUser()
    set_principal(user, principal)
    return user

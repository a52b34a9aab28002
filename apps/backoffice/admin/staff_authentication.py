"""Who is at the staff door."""

from functools import partial

from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import SimpleLazyObject

from apps.authentication.dependencies import staff_sessions
from apps.backoffice.admin.browser_session import signed_in_session_id
from apps.backoffice.admin.next_page import leading_to
from apps.core.admin.acting_staff import set_principal
from apps.core.errors import StepUpRequired
from apps.core.event_loop.sync_calls import call_service


class StaffAuthenticationMiddleware(AuthenticationMiddleware):
    """Sets `request.user`: whom the browser's session names, as long as the session of the admin behind it holds.

    It is read when somebody asks, at the latest by the admin's own check before each page; so a session that is ended
    ends with the next request. There is no `request.auser`: a coroutine would be told of a user without the check.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Lead to the page that asks for fresh proof, and from there back, where a service has asked for it."""
        if not isinstance(exception, StepUpRequired):
            return None
        return HttpResponseRedirect(leading_to("proof", request.get_full_path()))

    def process_request(self, request: HttpRequest) -> None:
        """Have the user read when it is asked for."""
        request.user = SimpleLazyObject(partial(_user_of, request))  # type: ignore[assignment]


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

"""The page on which staff sign in to the admin."""

from http import HTTPStatus
from typing import Any, override

from django.contrib.auth.views import LoginView
from django.http import HttpResponse, HttpResponseRedirect

from apps.authentication.dependencies import staff_sessions
from apps.backoffice.admin.browser_session import sign_in_browser
from apps.core.database.sync_calls import call_service
from apps.core.errors import NotAuthenticated
from apps.core.http.error_responses import error_headers


class StaffLoginView(LoginView):
    """Starts a session of the admin, or says why not: 429 with Retry-After where nobody is judged for a while."""

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        """Start a session, unless what was proven has changed meanwhile."""
        try:
            session_id = call_service(staff_sessions().start, form.proof)
        except NotAuthenticated:
            form.refuse()
            return self.form_invalid(form)
        sign_in_browser(self.request, form.proof.user_id, session_id)
        return HttpResponseRedirect(self.get_success_url())

    @override
    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form with what was wrong."""
        response = super().form_invalid(form)
        if form.refusal:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            for name, value in error_headers(form.refusal).items():
                response[name] = value
        return response

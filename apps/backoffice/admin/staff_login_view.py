"""The page on which staff sign in to the admin."""

from typing import Any, override

from django.contrib.auth.views import LoginView
from django.http import HttpResponse, HttpResponseRedirect

from apps.authentication.schemas.login import SecondFactorNeeded
from apps.backoffice.admin.browser_session import sign_in_browser
from apps.backoffice.admin.second_step_page import lead_to_second_step


class StaffLoginView(LoginView):
    """Opens the admin to whoever has given a right password, or leads to the second step."""

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the browser in, or ask for the second factor."""
        if isinstance(form.outcome, SecondFactorNeeded):
            return lead_to_second_step(form.outcome, self.get_redirect_url())
        sign_in_browser(self.request, form.outcome)
        return HttpResponseRedirect(self.get_success_url())

    @override
    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form with what was wrong."""
        answer: HttpResponse = form.answer(super().form_invalid(form))
        return answer

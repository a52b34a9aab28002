"""The login page of the admin. Passwords are checked and limited as in the API."""

from typing import Any, override

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.debug import sensitive_variables

from apps.authentication.dependencies import staff_sessions
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.staff_sessions import StaffSignedIn
from apps.backoffice.admin.authentication_forms import RefusableForm
from apps.backoffice.admin.browser_session import sign_in_browser
from apps.backoffice.admin.navigation import url_with_next
from apps.backoffice.admin.second_step_page import redirect_to_second_step
from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.errors import NotAuthenticated, TooManyRequests, Unavailable
from apps.core.event_loop import call_service
from apps.core.rate_limits.request_limits import LOGIN, limit_by_address
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class StaffLoginForm(RefusableForm, AdminAuthenticationForm):
    """The login form. When it is valid, `outcome` is the new session, or the second factor that is needed first."""

    # Not Django's username field, which folds look-alike characters: an input means the same account in admin and API.
    username = forms.CharField(
        label="E-mail address",
        max_length=EMAIL_LENGTH_MAXIMUM,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=PASSWORD_LENGTH_MAXIMUM,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    request: HttpRequest
    outcome: StaffSignedIn | SecondFactorNeeded

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Check the password, within the rate limits."""
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        try:
            call_service(limit_by_address, self.request, "login", LOGIN)
            if email and password:
                self.outcome = call_service(staff_sessions().with_password, email, password)
        except (NotAuthenticated, TooManyRequests, Unavailable) as refusal:
            self.refuse(refusal)
        return self.cleaned_data


class StaffLoginView(LoginView):
    """Signs the browser in after a valid password, or redirects to the second step."""

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the browser in, or ask for the second factor; at the first sign-in, offer to add one."""
        if isinstance(form.outcome, SecondFactorNeeded):
            return redirect_to_second_step(form.outcome, self.get_redirect_url())
        sign_in_browser(self.request, form.outcome)
        if form.outcome.is_first_without_factor:
            return HttpResponseRedirect(url_with_next("second_factors", self.get_success_url()))
        return HttpResponseRedirect(self.get_success_url())

    @override
    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form with the reason."""
        response: HttpResponse = form.response(super().form_invalid(form))
        return response

"""The form by which staff sign in to the admin: the same judge of passwords, and the same limits, as the API has."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from apps.authentication.dependencies import staff_sessions
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.staff_sessions import StaffSignedIn
from apps.backoffice.admin.refusable_form import RefusableForm
from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.errors import NotAuthenticated, TooManyRequests, Unavailable
from apps.core.event_loop.sync_calls import call_service
from apps.core.rate_limits.address_limits import LOGIN, limit_by_address
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class StaffLoginForm(RefusableForm, AdminAuthenticationForm):
    """When it is valid, `outcome` is the session that has started, or the second factor that is needed first."""

    # Not Django's field for names, which folds look-alike characters: a text names the same account at both doors.
    username = forms.CharField(
        label="Email",
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
        """Judge the password, at most so many times."""
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        try:
            call_service(limit_by_address, self.request, "login", LOGIN)
            if email and password:
                self.outcome = call_service(staff_sessions().with_password, email, password)
        except (NotAuthenticated, TooManyRequests, Unavailable) as refusal:
            self.refuse(refusal)
        return self.cleaned_data

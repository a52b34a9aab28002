"""The form by which staff sign in to the admin: the same judge of passwords, and the same limits, as the API has."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from apps.authentication.dependencies import staff_sessions
from apps.authentication.services.sign_in import WRONG_CREDENTIALS, Proof
from apps.core.database.sync_calls import call_service
from apps.core.errors import TooManyRequests
from apps.core.http.address_limits import LOGIN, limit_by_address
from apps.core.security.passwords import PASSWORD_LENGTH_MAXIMUM

EMAIL_LENGTH_MAXIMUM = 254


class StaffLoginForm(AdminAuthenticationForm):
    """When it is valid, `proof` is what the password proves; `refusal` says for how long nobody is judged."""

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
    proof: Proof
    refusal: TooManyRequests | None = None

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Judge the password, at most so many times."""
        try:
            call_service(limit_by_address, self.request, "login", LOGIN)
            self._judge()
        except TooManyRequests as refusal:
            self.refusal = refusal
            raise ValidationError(_in_words(refusal)) from refusal
        return self.cleaned_data

    def refuse(self) -> None:
        """Say that what was given signs nobody in, and not why."""
        self.add_error(None, WRONG_CREDENTIALS)

    @sensitive_variables()
    def _judge(self) -> None:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not email or not password:
            return  # the fields say so themselves
        proof = call_service(staff_sessions().judge, email, password)
        if proof is None:
            raise ValidationError(WRONG_CREDENTIALS)
        self.proof = proof


def _in_words(refusal: TooManyRequests) -> str:
    return f"{refusal.public_message} Try again in {refusal.retry_after_seconds} seconds."

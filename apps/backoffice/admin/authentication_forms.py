"""The forms with which staff sign in and re-authenticate."""

from typing import Any, ClassVar

import orjson
from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.admin.widgets import AdminTextInputWidget
from django.forms import BaseForm
from django.http import HttpResponse
from pydantic import ValidationError

from apps.authentication.dependencies import password_service
from apps.authentication.schemas.login import StepUpRequest
from apps.authentication.schemas.password import PasswordChange
from apps.core.admin.schema_form import SchemaForm
from apps.core.admin.staff_rights import principal_of
from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.errors import DomainError, PasskeyRefused, StepUpRequired, WrongPassword
from apps.core.event_loop import call_service
from apps.core.http.error_responses import error_headers
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyRegistration
from apps.second_factors.schemas.second_factor import CodeEntry

CREDENTIAL_LENGTH_MAXIMUM = 40_000
PASSKEY = "credential"


class RefusableForm(BaseForm):
    """A form that shows why a service has refused its values."""

    refusal: DomainError | None = None

    def refuse(self, refusal: DomainError) -> None:
        """Show the reason above the fields; an error at one field would reveal that the others are right."""
        self.refusal = refusal
        self.add_error(None, refusal.public_message)

    def response(self, page: HttpResponse) -> HttpResponse:
        """Return the page as the response to this form, with 429 or 503 and Retry-After if the caller has to wait."""
        if self.refusal is not None and self.refusal.retry_after_seconds is not None:
            page.status_code = self.refusal.status
            page["Retry-After"] = error_headers(self.refusal)["Retry-After"]
        return page


class CredentialField(forms.CharField):
    """The JSON of a passkey's credential, in a hidden field that a script fills."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(max_length=CREDENTIAL_LENGTH_MAXIMUM)

    def clean(self, value: Any) -> Any:
        """Return the parsed JSON."""
        try:
            return orjson.loads(super().clean(value))
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError("The browser sent an invalid passkey credential. Try again.") from error


class CodeForm(RefusableForm, SchemaForm):
    """Six digits of an authenticator app, or a recovery code."""

    schema = CodeEntry
    code = forms.CharField(
        widget=AdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "characters", "maxlength": 40}
        )
    )

    def step_up(self) -> StepUpRequest:
        """Return the re-authentication request of the valid form."""
        return StepUpRequest(code=self.payload.code)


class PasswordForm(RefusableForm, SchemaForm):
    """The account's password."""

    schema = StepUpRequest
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
    )

    def step_up(self) -> StepUpRequest:
        """Return the re-authentication request of the valid form."""
        request: StepUpRequest = self.payload
        return request


class PasskeyForm(RefusableForm, SchemaForm):
    """A passkey's credential. An invalid one has one error for the form, because users cannot correct its fields."""

    schema: ClassVar[type[PasskeyAssertion] | type[PasskeyRegistration]] = PasskeyAssertion
    challenge = forms.CharField(widget=forms.HiddenInput)
    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        """Validate the credential. Adds one error to the form if it is invalid."""
        try:
            self.payload = self.schema.model_validate(self.cleaned_data)
        except ValidationError:
            self.refuse(PasskeyRefused())
        return self.cleaned_data

    def step_up(self) -> StepUpRequest:
        """Return the re-authentication request of the valid form."""
        return StepUpRequest(passkey=self.payload)


class NewPasskeyForm(PasskeyForm):
    """A new passkey, and its name."""

    schema = PasskeyRegistration
    name = forms.CharField(
        max_length=100,
        initial="Passkey",
        widget=AdminTextInputWidget(attrs={"autofocus": True}),
        help_text="A name to recognise it by, such as the name of the device.",
    )


def second_factor_form(data: Any) -> CodeForm | PasskeyForm:
    """Return the submitted form: a passkey or a code."""
    return PasskeyForm(data) if PASSKEY in data else CodeForm(data)


class StaffPasswordForm(AdminPasswordChangeForm):
    """Changes the password through the service, which counts wrong ones and records the audit event."""

    def clean_old_password(self) -> str:
        """Return the password unchecked: the service checks it and limits the attempts."""
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        """Change the password if the fields are complete, or show why it was refused."""
        self.validate_passwords("new_password1", "new_password2")
        if not self.errors:
            self._change()
        return self.cleaned_data

    def save(self, commit: bool = True) -> Any:
        """Return the account with its new hash, from which Django derives the browser's session."""
        self.user.refresh_from_db(fields=["password"])
        return self.user

    def _change(self) -> None:
        passwords = {
            "current_password": self.cleaned_data["old_password"],
            "new_password": self.cleaned_data["new_password1"],
        }
        try:
            change = PasswordChange.model_validate(passwords)
            call_service(password_service().change, principal_of(self.user), change)
        except ValidationError:
            self.add_error("new_password1", f"Enter at most {PASSWORD_LENGTH_MAXIMUM} characters.")
        except StepUpRequired:
            raise
        except WrongPassword as refusal:
            self.add_error("old_password", refusal.public_message)
        except DomainError as refusal:
            reasons = [detail.message for detail in refusal.details] or [refusal.public_message]
            self.add_error("new_password1", reasons)

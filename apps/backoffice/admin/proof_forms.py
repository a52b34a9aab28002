"""The forms by which staff prove who they are, once signed in or about to be."""

from typing import Any, ClassVar

import orjson
from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from pydantic import ValidationError

from apps.authentication.schemas.login import StepUpRequest
from apps.backoffice.admin.refusable_form import RefusableForm
from apps.core.admin.schema_form import SchemaForm
from apps.core.errors import PasskeyRefused
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyRegistration
from apps.second_factors.schemas.second_factor import CodeEntry

CREDENTIAL_LENGTH_MAXIMUM = 40_000
PASSKEY = "credential"


class CredentialField(forms.CharField):
    """What a browser says of a passkey, as JSON in a hidden field that a script fills."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(max_length=CREDENTIAL_LENGTH_MAXIMUM)

    def clean(self, value: Any) -> Any:
        """Return what the JSON says."""
        try:
            return orjson.loads(super().clean(value))
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError("This is no passkey's answer.") from error


class CodeForm(RefusableForm, SchemaForm):
    """Six digits of an authenticator program, or a recovery code."""

    schema = CodeEntry
    code = forms.CharField(
        widget=AdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "characters", "maxlength": 40}
        )
    )

    def step_up(self) -> StepUpRequest:
        """Return the proof that the valid form holds."""
        return StepUpRequest(code=self.payload.code)


class PasswordForm(RefusableForm, SchemaForm):
    """The account's password."""

    schema = StepUpRequest
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
    )

    def step_up(self) -> StepUpRequest:
        """Return the proof that the valid form holds."""
        proof: StepUpRequest = self.payload
        return proof


class PasskeyForm(RefusableForm, SchemaForm):
    """A passkey's answer; what is wrong with it is nothing that people could put right."""

    schema: ClassVar[type[PasskeyAssertion] | type[PasskeyRegistration]] = PasskeyAssertion
    challenge = forms.CharField(widget=forms.HiddenInput)
    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        """Read the answer, or refuse it as a whole."""
        try:
            self.payload = self.schema.model_validate(self.cleaned_data)
        except ValidationError:
            self.refuse(PasskeyRefused())
        return self.cleaned_data

    def step_up(self) -> StepUpRequest:
        """Return the proof that the valid form holds."""
        return StepUpRequest(passkey=self.payload)


class NewPasskeyForm(PasskeyForm):
    """A new passkey, and what its owner calls it."""

    schema = PasskeyRegistration
    name = forms.CharField(
        max_length=100,
        initial="Passkey",
        widget=AdminTextInputWidget(attrs={"autofocus": True}),
        help_text="What you know it by, such as the device that keeps it.",
    )


def second_factor_form(data: Any) -> CodeForm | PasskeyForm:
    """Return the form that was sent: of a passkey, or of a code."""
    return PasskeyForm(data) if PASSKEY in data else CodeForm(data)

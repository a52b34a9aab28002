"""Forms that are validated by a schema of the API."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.forms import BaseForm
from pydantic import ValidationError

from apps.core.admin.concurrent_edits import ChangedMeanwhile, EditedField, outdated_fields, typed_before
from apps.core.admin.kept_forms import kept_form
from apps.core.errors import DomainError
from apps.core.schemas.base import MESSAGE, REASON, ReasonedRequest, RequestSchema
from apps.core.schemas.fields import MESSAGE_LENGTH_MAXIMUM, REASON_LENGTH_MAXIMUM

# Generic only for the type checker.
if TYPE_CHECKING:
    ModelFormBase = forms.ModelForm[Any]
else:
    ModelFormBase = forms.ModelForm


class SchemaForm(forms.Form):
    """A form with the schema's field names. When it is valid, `payload` is the schema's instance."""

    schema: ClassVar[type[RequestSchema]] = RequestSchema
    payload: Any

    def clean(self) -> dict[str, Any]:
        """Validate the values by the schema."""
        try:
            self.payload = self.schema.model_validate(self.cleaned_data)
        except ValidationError as error:
            add_schema_errors(self, error)
        return self.cleaned_data


def reason_field() -> forms.CharField:
    """Return the field for the reason, which staff must give for what touches a customer."""
    return forms.CharField(
        label="Reason",
        max_length=REASON_LENGTH_MAXIMUM,
        widget=AdminTextInputWidget(),
        help_text="Why you do this. It is kept in the audit trail; the customer does not see it.",
    )


def customer_message_field(help_text: str) -> forms.CharField:
    """Return the field for what the customer is told; `help_text` says where they read it."""
    return forms.CharField(
        label="Message to the customer",
        required=False,
        max_length=MESSAGE_LENGTH_MAXIMUM,
        widget=AdminTextInputWidget(),
        help_text=help_text,
    )


class ReasonForm(SchemaForm):
    """A form with a reason, for operations that touch a customer; `schema` is a ReasonedRequest.

    Further fields of a subclass are shown before the reason.
    """

    schema: ClassVar[type[RequestSchema]] = ReasonedRequest
    reason = reason_field()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.order_fields([*(name for name in self.fields if name != REASON), REASON])


class SchemaModelForm(ModelFormBase):
    """A model form. When it is valid, `payload` is the schema's instance: all fields of a new row, or the changed ones.

    The form neither validates nor changes the model instance. Its page carries the values of an existing row that it
    shows. Raises ChangedMeanwhile where the row has others when the form is submitted.
    """

    bound_field_class = EditedField

    schema: ClassVar[type[RequestSchema]] = RequestSchema
    # The error that the service raised for these values, when the form is displayed again.
    service_error: ClassVar[DomainError | None] = None
    payload: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept_form = None if self.is_bound else kept_form(type(self), instance=self.instance)
        self.typed = typed_before(self.kept_form)
        for name, field in self.fields.items():
            field.show_hidden_initial = bool(self.instance.pk) and name not in {REASON, MESSAGE}

    def schema_values(self) -> dict[str, Any]:
        """Return the values to validate by the schema."""
        names = self.changed_data if self.instance.pk else self.fields
        return {
            name: self.cleaned_data[name]
            for name in names
            if name in self.cleaned_data and name in self.schema.model_fields
        }

    def clean(self) -> dict[str, Any]:
        """Validate the values by the schema, and add the error of the service."""
        if outdated_fields(self):
            raise ChangedMeanwhile(self)
        try:
            self.payload = self.schema.model_validate(self.schema_values())
        except ValidationError as error:
            add_schema_errors(self, error)
        if self.service_error:
            add_service_errors(self, self.service_error)
        return self.cleaned_data

    def _post_clean(self) -> None:
        """Do nothing: the instance is neither filled nor validated."""

    def _save_m2m(self) -> None:
        """Do nothing: the service saves related rows too."""


class ReasonedModelForm(SchemaModelForm):
    """A form for a row whose change touches a customer; `schema` is a ReasonedRequest."""

    reason = reason_field()


def add_schema_errors(form: BaseForm, problem: ValidationError) -> None:
    """Add each error of the schema to its field, unless the field has an error already."""
    invalid = set(form.errors)
    for error in problem.errors(include_url=False, include_context=False, include_input=False):
        name, *positions = error["loc"] or ("",)
        message = _sentence(error["msg"].removeprefix("Value error, "))
        if positions and isinstance(positions[0], int):
            message = f"Line {positions[0] + 1}: {message}"
        elif positions and isinstance(form.cleaned_data.get(str(name)), dict):
            message = f"“{positions[0]}”: {message}"
        if name not in invalid:
            form.add_error(_field(form, str(name)), message)


def add_service_errors(form: BaseForm, error: DomainError) -> None:
    """Add a service's error to the fields it names, or to the form as a whole."""
    for detail in error.details:
        form.add_error(_field(form, detail.field), detail.message)
    if not error.details:
        form.add_error(None, error.public_message)


def _field(form: BaseForm, name: str) -> str | None:
    return name if name in form.fields else None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."

"""Shows in a form what a schema or a service refuses."""

from django.forms import BaseForm
from pydantic import ValidationError

from apps.core.errors import DomainError


def add_schema_errors(form: BaseForm, problem: ValidationError) -> None:
    """Put each of the schema's reasons beside its field, unless the field has been refused already."""
    refused = set(form.errors)
    for error in problem.errors(include_url=False, include_context=False, include_input=False):
        name, *places = error["loc"] or ("",)
        message = _sentence(error["msg"].removeprefix("Value error, "))
        if places and isinstance(places[0], int):
            message = f"Line {places[0] + 1}: {message}"
        if name not in refused:
            form.add_error(_field(form, str(name)), message)


def add_refusal(form: BaseForm, refusal: DomainError) -> None:
    """Put a service's refusal beside the fields it names, or on top of the form."""
    for detail in refusal.details:
        form.add_error(_field(form, detail.field), detail.message)
    if not refusal.details:
        form.add_error(None, refusal.public_message)


def _field(form: BaseForm, name: str) -> str | None:
    return name if name in form.fields else None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."

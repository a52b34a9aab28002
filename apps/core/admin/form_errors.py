"""Adds the errors of schemas and services to a form."""

from django.forms import BaseForm
from pydantic import ValidationError

from apps.core.errors import DomainError


def add_schema_errors(form: BaseForm, problem: ValidationError) -> None:
    """Add each error of the schema to its field, unless the field has an error already."""
    invalid = set(form.errors)
    for error in problem.errors(include_url=False, include_context=False, include_input=False):
        name, *positions = error["loc"] or ("",)
        message = _sentence(error["msg"].removeprefix("Value error, "))
        if positions and isinstance(positions[0], int):
            message = f"Line {positions[0] + 1}: {message}"
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

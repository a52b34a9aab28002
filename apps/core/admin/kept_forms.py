"""Fills a page's form with what its person has typed before they had to sign in or to re-authenticate."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.forms import BaseForm
from django.http import QueryDict

_kept: ContextVar[QueryDict | None] = ContextVar("kept_input", default=None)


@contextmanager
def kept_input(fields: QueryDict) -> Iterator[None]:
    """Fill the forms that are built inside with the fields that were sent."""
    token = _kept.set(fields)
    try:
        yield
    finally:
        _kept.reset(token)


def kept_form(form_class: type[Any], **options: Any) -> Any:
    """Return the form with the kept fields, as if they were sent again, or None if there are none."""
    fields = _kept.get()
    return None if fields is None else form_class(fields, **options)


def shown_values(form: BaseForm) -> dict[str, Any]:
    """Return what the fields of the form show, for the `initial` of another."""
    return {name: form[name].value() for name in form.fields}

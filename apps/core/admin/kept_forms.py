"""Fills a page's form with what its person has typed before they had to sign in or to re-authenticate."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, QueryDict

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


def sent_or_kept(request: HttpRequest, form_class: type[Any]) -> Any:
    """Return the form as it was sent, or filled with the kept fields, or empty."""
    if request.method == "POST":
        return form_class(request.POST)
    kept = kept_form(form_class)
    return form_class(initial={name: kept[name].value() for name in kept.fields}) if kept else form_class()

"""Two people edit the same row: the second is told what has changed meanwhile, and keeps what they typed.

Each page carries the values that it showed, in Django's hidden initial fields. So a field counts as changed only if its
editor has changed it, and what another has changed since is found by comparing these values with the row.
"""

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm, BooleanField, BoundField, ChoiceField, MultipleHiddenInput

INITIAL = "initial-"  # the prefix of Django's hidden initial fields
EMPTY = "empty"
NOTHING: Mapping[str, Any] = MappingProxyType({})
# What an editor has typed into the form that is about to be displayed, by field, as its widget shows it.
_typed: ContextVar[Mapping[str, Any]] = ContextVar("typed_values", default=NOTHING)


class ChangedMeanwhile(Exception):
    """The row has changed since the page of the form was opened; `form` has the editor's values."""

    def __init__(self, form: BaseForm) -> None:
        super().__init__()
        self.form = form


@contextmanager
def typed_values(form: BaseForm) -> Any:
    """Display what was typed into the submitted form in the forms that are built inside."""
    token = _typed.set(_changed_values(form))
    try:
        yield
    finally:
        _typed.reset(token)


def typed_before(kept_form: BaseForm | None) -> Mapping[str, Any]:
    """Return what was typed into the form that is about to be built, by field; `kept_form` has it after a sign-in."""
    return _typed.get() if kept_form is None else _changed_values(kept_form)


class EditedField(BoundField):
    """A field of a form that carries the values that its page showed."""

    form: Any
    _is_hidden_initial = False

    def value(self) -> Any:
        """Return the value to display: what was typed before, or else the row's."""
        if self._is_hidden_initial:
            return self._shown if self._was_shown else self.field.prepare_value(self.initial)
        if not self.form.is_bound and self.name in self.form.typed:
            return self.field.prepare_value(self.form.typed[self.name])
        return super().value()

    def as_hidden(self, attrs: Any = None, **options: Any) -> Any:
        """Render the hidden initial field with the value that the page has shown, or shows now."""
        self._is_hidden_initial = options.get("only_initial", False)
        try:
            return super().as_hidden(attrs, **options)
        finally:
            self._is_hidden_initial = False

    @property
    def is_outdated(self) -> bool:
        """Whether the row's value has changed since it was shown, to another than the submitted one."""
        if not self._was_shown or not self.field.has_changed(self.initial, self._shown):
            return False
        return not self._has_changed() or bool(self.field.has_changed(self.initial, _with_line_feeds(self.data)))

    def news(self) -> str:
        """Return the sentences that tell the editor what has changed meanwhile."""
        name, now = self.label, text_of(self, self.field.prepare_value(self.initial))
        if not self._has_changed():
            return f"{name}: now {now}, as the form shows."
        return f"{name}: now {now}. You entered {text_of(self, super().value())}, which replaces it when you save."

    @property
    def _was_shown(self) -> bool:
        if not self.form.is_bound or not self.field.show_hidden_initial:
            return False
        widget = self.field.hidden_widget()
        if isinstance(widget, MultipleHiddenInput):  # it sends nothing for an empty list
            return any(name.startswith(INITIAL) for name in self.form.data)
        return not widget.value_omitted_from_data(self.form.data, self.form.files, self.html_initial_name)

    @property
    def _shown(self) -> Any:
        widget = self.field.hidden_widget()
        return _with_line_feeds(self.form._widget_data_value(widget, self.html_initial_name))

    def _has_changed(self) -> bool:
        """Return whether the editor has changed the value that was shown, or without a page, the row's."""
        try:
            initial = self.field.to_python(self._shown) if self._was_shown else self.initial
        except ValidationError:
            return True
        return bool(self.field.has_changed(initial, _with_line_feeds(self.data)))


def outdated_fields(form: BaseForm) -> list[EditedField]:
    """Return the fields of the submitted form whose row has changed since its page was opened."""
    fields: Iterable[Any] = (form[name] for name in form.fields)
    return [field for field in fields if field.is_outdated]


def text_of(field: BoundField, value: Any) -> str:
    """Return the value of the field as a sentence names it."""
    if isinstance(field.field, BooleanField):
        return "on" if value else "off"
    if isinstance(field.field, ChoiceField):
        choices: Any = field.field.choices
        names = {str(each): str(name) for each, name in choices}
        values = value if isinstance(value, list | tuple) else [value]
        shown = ", ".join(names.get(str(each), str(each)) for each in values if each not in (None, ""))
    else:
        shown = " ".join(map(str, value)) if isinstance(value, list) else str("" if value is None else value)
    return f"“{', '.join(shown.splitlines())}”" if shown.strip() else EMPTY


def _changed_values(form: BaseForm) -> dict[str, Any]:
    return {name: form[name].value() for name in form.changed_data}


def _with_line_feeds(value: Any) -> Any:
    # Browsers send CRLF for each line break.
    return value.replace("\r\n", "\n") if isinstance(value, str) else value

"""Something that can be done to one or many rows of a list, after a question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse

from apps.core.security.principal import Principal

# Does it to the row with this id, through a service; what it returns reaches ServiceAdmin.after_operation.
Perform = Callable[[Principal, int, forms.Form], Any]
# Makes the answer of what was done to the rows.
Answer = Callable[[Sequence[Any]], HttpResponse]


def always(_row: Any) -> bool:
    """Offer the operation for every row."""
    return True


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A button on the row's page and, with `in_bulk`, an action of the list; both lead to one page that asks.

    `label` is what the button says, `done` the word for what has happened, `question` what the page explains.
    `permission` is the admin's word for who may: change, delete or superuser. `applies` says for which rows
    the button is shown. Where there is an `answer`, it is what one gets instead of the next page.
    """

    name: str
    label: str
    done: str
    question: str
    perform: Perform
    permission: str = "change"
    form_class: type[forms.Form] = forms.Form
    in_bulk: bool = True
    is_dangerous: bool = False
    applies: Callable[[Any], bool] = always
    answer: Answer | None = None

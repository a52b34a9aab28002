"""Something that can be done to one or many rows of a list, after a question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse

from apps.core.authorization.principal import Principal

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

    `label` is what the button says, such as Deactivate. `order` and `done` are the whole of what is to be done and of
    what has been: `Deactivate {rows}` and `{rows} deactivated`, where `{rows}` is one row with its name, or their
    number, and `{owner}` is whose the one row is. `explanation` says what comes of it. `permission` is the admin's
    word for who may: change, delete, operate or superuser. `applies` says for which rows the button is shown. Where
    there is an `answer`, it is what one gets instead of the next page.
    """

    name: str
    label: str
    order: str
    done: str
    explanation: str
    perform: Perform
    permission: str = "change"
    form_class: type[forms.Form] = forms.Form
    in_bulk: bool = True
    is_dangerous: bool = False
    applies: Callable[[Any], bool] = always
    answer: Answer | None = None

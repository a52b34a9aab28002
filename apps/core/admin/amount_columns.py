"""Columns of lists, and read-only fields, with amounts of credits as people read them."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.utils.text import capfirst

from apps.core.values.amounts import amount_text


def amount_column(path: str, label: str = "") -> Callable[[Any], str]:
    """Return a column that shows the amount at `path` of the row, such as `amount` or `counter.budget_spent`."""
    value_of = attrgetter(path)

    @admin.display(description=label or capfirst(path.replace("_", " ")))
    def shown(row: Any) -> str:
        value = value_of(row)
        return "-" if value is None else amount_text(value)

    shown.__name__ = path.replace(".", "_")  # which Django makes the class of the cells
    return shown

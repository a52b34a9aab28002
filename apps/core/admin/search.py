"""Searches of the admin's lists: each word is looked for in the row's own columns, and in rows that it belongs to.

Related rows are looked up first, and then named by their ids. One condition over the columns of several tables could
use no index, and would read every row of a large table.
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import IntegerField, Model, Q
from django.utils.text import smart_split

from apps.core.admin.form_fields import NO_ROW_ID, parse_row_id
from apps.core.values.look_ups import search_spellings

# What follows is not looked for: each word is a condition for each column, and may be a query of its own.
TERM_LENGTH_MAXIMUM = 300
# A word that more related rows match than these has to be made longer.
RELATED_MAXIMUM = 1000
NOTHING = Q(pk__in=[])


def condition_of(model: type[Model], lookups: Sequence[str], term: str) -> Q:
    """Return the condition that a row matches each word of the term, in one of its spellings, by one of the lookups.

    A lookup is the name of a column, of `<relation>__<column>`, or one of these with an operator such as `__exact`;
    without operator, the column contains the word in any case. PostgreSQL cannot store NUL, so a term with NUL matches
    nothing.
    """
    if "\x00" in term:
        return NOTHING
    words = (
        [_condition(model, lookup, spelling) for lookup in lookups for spelling in search_spellings(word)]
        for word in smart_split(term[:TERM_LENGTH_MAXIMUM])
    )
    return reduce(and_, (reduce(or_, conditions, NOTHING) for conditions in words), Q())


def _condition(model: type[Model], lookup: str, word: str) -> Q:
    name, _, rest = lookup.partition("__")
    field: Any = model._meta.get_field(name)
    if not field.is_relation or name == field.attname:
        return _by_column(field, name, rest or "icontains", word)
    related = field.related_model
    found = related._base_manager.filter(_condition(related, rest, word)).order_by().values_list("pk", flat=True)
    return Q(**{f"{name}__in": list(found[:RELATED_MAXIMUM])})


def _by_column(field: Any, name: str, operator: str, word: str) -> Q:
    target = getattr(field, "target_field", field)
    if isinstance(target, IntegerField) and parse_row_id(word) == NO_ROW_ID:
        return NOTHING
    return Q(**{f"{name}__{operator}": word})

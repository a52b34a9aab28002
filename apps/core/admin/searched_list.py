"""Searching by POST: the address of what a search has found contains the term sealed, for this session alone.

So pages, orders and filters of a searched list go on to work, a reload shows it again, and neither the browser's
history nor a log can tell what was searched for: a part of an address, or a key pasted by mistake.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, override
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin.form_fields import NO_ROW_ID, parse_row_id
from apps.core.admin.search import TERM_LENGTH_MAXIMUM
from apps.core.admin.staff_rights import acting_staff
from apps.core.crypto.encryption import decrypt, encrypt

SEALED = "~"  # how a sealed term begins
SEARCH_EXPIRED = "This search has expired. Enter it again."


class SearchedList(ChangeList):
    """A list whose `query` is the term, while its links contain the sealed one of the address."""

    @override
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        pages: Any = self.model_admin
        self.query = without_secrets(pages.admin_site, opened(request, self.query) or "")
        return super().get_queryset(request, exclude_parameters)


class SearchedChoice(AutocompleteSelect):
    """A choice among rows that match a term, which the browser sends in the body."""

    @override
    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        return {**super().build_attrs(base_attrs, extra_attrs), "data-ajax--type": "POST"}

    @override
    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Return the rows that are chosen. An address or a form may name any text as an id; Django would fail."""
        return super().optgroups(name, [each for each in value if parse_row_id(str(each)) != NO_ROW_ID], attr)


def sealed(request: HttpRequest, term: str) -> str:
    """Return the term for an address that only this session can read."""
    return SEALED + encrypt(term[:TERM_LENGTH_MAXIMUM].encode(errors="replace"), _purpose(request)).decode()


def opened(request: HttpRequest, text: str) -> str | None:
    """Return the term in the text, sealed or not; None if it was sealed for another session."""
    if not text.startswith(SEALED):
        return text
    term = decrypt(text.removeprefix(SEALED).encode(), _purpose(request))
    return None if term is None else term.decode()


def seal_term(request: HttpRequest) -> bool:
    """Seal the term in the request's address, for the links of the page. Return False if another session has sealed it.

    The admin itself makes no address with an open term.
    """
    term = request.GET.get(SEARCH_VAR, "")
    if term and not term.startswith(SEALED):
        query = request.GET.copy()
        query[SEARCH_VAR] = sealed(request, term)
        request.GET = query  # type: ignore[assignment]
    return opened(request, request.GET.get(SEARCH_VAR, "")) is not None


def without_secrets(site: AdminSite, term: str) -> str:
    """Return the term without secrets of rows of any list: the database may log the statement with the term."""
    pages: Iterable[Any] = site._registry.values()
    return reduce(lambda cleaned, each: str(each.searchable(cleaned)), pages, term)


def query_of_search(request: HttpRequest, term: str, filters: Mapping[str, str]) -> str:
    """Return the query of a list's address: the term, sealed, and the list's filters."""
    searched = {SEARCH_VAR: sealed(request, term)} if term.strip() else {}
    return urlencode({**filters, **searched}, safe=SEALED)


def _purpose(request: HttpRequest) -> str:
    return f"admin.search of session {acting_staff(request).session_id}"

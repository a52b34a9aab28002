"""The search on every page: one term, looked for among everything that the member of staff may see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.backoffice.admin.calls_page import url_of_calls
from apps.core.admin.keyhouse_model_admin import SEARCH_TOOK_TOO_LONG
from apps.core.admin.searched_list import SEALED, SEARCH_EXPIRED, opened, sealed, without_secrets
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import KEYS_READ
from apps.core.database.page_statements import bounded_statements, is_statement_timeout
from apps.core.event_loop import call_service
from apps.verification.dependencies import call_search

TERM = "q"
TERM_MINIMUM = 3  # the indexes find parts of three characters and more
HITS_MAXIMUM = 10  # of each kind
SECONDS_MAXIMUM = 2  # of each kind
TOO_SHORT = f"Enter at least {TERM_MINIMUM} characters."


@dataclass(frozen=True)
class Hit:
    """A row that was found, and the address of its page."""

    label: str
    detail: str
    url: str


@dataclass(frozen=True)
class Kind:
    """What was found of one kind. `has_more` says that there are more than the hits."""

    name: str
    icon: str
    hits: Sequence[Hit]
    has_more: bool


def search_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Open the only match of a submitted term, or show all matches by kind, at an address with the sealed term."""
    if request.method == "POST":
        return _submitted(site, request, request.POST.get(TERM, "").strip())
    term = opened(request, request.GET.get(TERM, ""))
    if term is None:
        messages.warning(request, SEARCH_EXPIRED)
    term = without_secrets(site, term or "")
    kinds = list(_found(site, request, term)) if term and _is_searchable(term) else []
    context = {**site.each_context(request), "title": "Search", "term": term, "kinds": kinds}
    request.current_app = site.name
    return TemplateResponse(request, "admin/search.html", context)


def _submitted(site: AdminSite, request: HttpRequest, text: str) -> HttpResponse:
    registered: Sequence[Any] = list(site._registry.values())
    responses = (pages.opened_by(request, text) for pages in registered)
    opened_at_once: HttpResponse | None = next(filter(None, responses), None)
    if opened_at_once is not None:
        return opened_at_once
    term = without_secrets(site, text)
    if not _is_searchable(term):
        messages.warning(request, TOO_SHORT)
        return HttpResponseRedirect(reverse("admin:search"))
    hits = [hit for kind in _found(site, request, term) for hit in kind.hits]
    if len(hits) == 1:
        return HttpResponseRedirect(hits[0].url)
    return HttpResponseRedirect(f"{reverse('admin:search')}?{urlencode({TERM: sealed(request, term)}, safe=SEALED)}")


def _is_searchable(term: str) -> bool:
    return len(term) >= TERM_MINIMUM and "\x00" not in term


def _found(site: AdminSite, request: HttpRequest, term: str) -> Iterator[Kind]:
    """Look into each list of the menu, in its order."""
    for group in site.get_app_list(request):
        for listed in group["models"]:
            kind = _of_list(site, request, listed, group["icon"], term)
            if kind.hits:
                yield kind
    yield from _calls(request, term)


def _calls(request: HttpRequest, term: str) -> Iterator[Kind]:
    """Yield the calls with this request id, which one page shows together."""
    actor = acting_staff(request)
    calls = call_service(call_search().find, actor, term) if actor.has_scope(KEYS_READ) else []
    if calls:
        newest = f"{calls[0].code}, {calls[0].occurred_at:%Y-%m-%d %H:%M} UTC"
        yield Kind("Calls", "call_made", [Hit(newest, calls[0].reason, url_of_calls(request, term))], has_more=False)


def _of_list(site: AdminSite, request: HttpRequest, listed: dict[str, Any], icon: str, term: str) -> Kind:
    pages: Any = site.get_model_admin(listed["model"])
    rows = _rows(pages, request, term)
    hits = [Hit(str(row), pages.found_detail(row), pages.found_url(row)) for row in rows[:HITS_MAXIMUM]]
    return Kind(str(listed["name"]), icon, hits, has_more=len(rows) > HITS_MAXIMUM)


def _rows(pages: Any, request: HttpRequest, term: str) -> list[Any]:
    try:
        with bounded_statements(SECONDS_MAXIMUM):
            return list(pages.find(request, term, HITS_MAXIMUM + 1))
    except OperationalError as error:
        if not is_statement_timeout(error):
            raise
    messages.warning(request, SEARCH_TOOK_TOO_LONG)
    return []

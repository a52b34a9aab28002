"""The customer page: its head, and a page for each tab."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from pydantic import ValidationError

from apps.backoffice.admin.customer_actions import (
    account_pages,
    first_actions,
    more_actions,
    page_links,
    security_actions,
)
from apps.backoffice.admin.event_words import actor_of, changes_of, is_failure, methods_in_words, target_of, words_of
from apps.backoffice.admin.sparkline import sparkline
from apps.backoffice.admin.usage_tab import TabQuery, export_page, usage_content
from apps.backoffice.dependencies import customer_page
from apps.backoffice.schemas.customer_page import CustomerHeader
from apps.core.admin.form_fields import NO_ROW_ID, parse_row_id
from apps.core.admin.kept_forms import sent_or_kept
from apps.core.admin.one_time_forms import one_time_key
from apps.core.admin.schema_form import SchemaForm, add_service_errors
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import (
    AUDIT_READ,
    CREDITS_READ,
    CUSTOMERS_NOTE,
    CUSTOMERS_READ,
    CUSTOMERS_WRITE,
    KEYS_READ,
    SECURITY_READ,
)
from apps.core.authorization.principal import Principal
from apps.core.errors import DomainError, NotFound
from apps.core.event_loop import call_service
from apps.core.schemas.page import CursorQuery
from apps.users.dependencies import note_service
from apps.users.schemas.account_note import NOTE_LENGTH_MAXIMUM, NoteCreate

ROWS = 50
KEYS_ON_OVERVIEW = 20

type Content = dict[str, Any]
type Read = Callable[[Principal, CustomerHeader, CursorQuery], Awaitable[Content]]


class Line(NamedTuple):
    """An event of the timeline, in words."""

    event: Any
    words: str
    actor: str
    target: str
    changes: list[str]
    is_failure: bool


# --- what each tab reads --------------------------------------------------------------------------------------------


async def _overview(_actor: Principal, header: CustomerHeader, _query: CursorQuery) -> Content:
    shown = header.keys.newest[:KEYS_ON_OVERVIEW] if header.keys else []
    last = {refused.api_key_id: refused for refused in header.refusals or []}
    rows = [(key, last.get(key.id)) for key in shown]
    refused = await customer_page().refused_calls(header)
    drawn = sparkline(await customer_page().calls_by_hour(header))
    return {"rows": rows, "calls": await customer_page().calls_today(header), "drawn": drawn, "refused": refused}


async def _keys(actor: Principal, header: CustomerHeader, query: CursorQuery) -> Content:
    return {"part": await customer_page().keys_of(actor, header, query)}


async def _credits(actor: Principal, header: CustomerHeader, query: CursorQuery) -> Content:
    return {"part": await customer_page().ledger_of(actor, header, query)}


async def _security(actor: Principal, header: CustomerHeader, _query: CursorQuery) -> Content:
    security = await customer_page().security_of(actor, header)
    sessions = [(each, methods_in_words(each.methods)) for each in security.sessions or []]
    return {"security": security, "sessions": sessions}


async def _timeline(actor: Principal, header: CustomerHeader, query: CursorQuery) -> Content:
    part, plans = await customer_page().timeline_of(actor, header, query)
    user_id = header.account.id
    lines = [
        Line(
            each,
            words_of(each.action),
            actor_of(each, user_id),
            target_of(each, user_id),
            changes_of(each, plans),
            is_failure(each),
        )
        for each in part.items
    ]
    return {"part": part, "lines": lines}


async def _notes(actor: Principal, header: CustomerHeader, query: CursorQuery) -> Content:
    part = await customer_page().notes_of(actor, header, query)
    may_delete_all = actor.has_scope(CUSTOMERS_WRITE)
    rows = [(note, may_delete_all or note.author_id == actor.user_id) for note in part.items]
    may_add = actor.has_scope(CUSTOMERS_NOTE) and header.account.deleted_at is None
    return {"part": part, "rows": rows, "may_add": may_add}


@dataclass(frozen=True)
class Tab:
    """A tab, with an address of its own, and the scope that opens it."""

    name: str
    label: str
    scope: str
    read: Read

    @property
    def url_name(self) -> str:
        """The name of its URL in the admin."""
        return "customer" if self.name == "overview" else f"customer_{self.name}"


TABS = (
    Tab("overview", "Overview", CUSTOMERS_READ, _overview),
    Tab("keys", "Keys", KEYS_READ, _keys),
    Tab("usage", "Usage", KEYS_READ, usage_content),
    Tab("credits", "Credits", CREDITS_READ, _credits),
    Tab("security", "Security", SECURITY_READ, _security),
    Tab("timeline", "Timeline", AUDIT_READ, _timeline),
    Tab("notes", "Notes", CUSTOMERS_READ, _notes),
)


# --- pages ----------------------------------------------------------------------------------------------------------


class NoteForm(SchemaForm):
    """A new note."""

    schema = NoteCreate
    text = forms.CharField(
        label="New note",
        max_length=NOTE_LENGTH_MAXIMUM,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="For colleagues. The customer does not see it.",
    )


def customer_urls(site: AdminSite) -> list[URLPattern]:
    """Return the URLs of the customer page and its tabs."""
    export = path("customers/<str:user_id>/usage/export/", site.admin_view(export_page), name="customer_usage_export")
    return [
        export,
        *(
            path(
                f"customers/<str:user_id>/{'' if tab.name == 'overview' else f'{tab.name}/'}",
                site.admin_view(partial(_page, site, tab)),
                name=tab.url_name,
            )
            for tab in TABS
        ),
    ]


def _page(site: AdminSite, tab: Tab, request: HttpRequest, user_id: str) -> HttpResponse:
    actor, account_id = acting_staff(request), parse_row_id(user_id)
    if not (actor.has_scope(CUSTOMERS_READ) and actor.has_scope(tab.scope)):
        raise PermissionDenied
    if account_id == NO_ROW_ID:
        raise Http404
    form = sent_or_kept(request, NoteForm)
    if request.method == "POST" and tab.name == "notes":
        response = _change_notes(request, actor, account_id, form)
        if response is not None:
            return response
    try:
        header, content = call_service(_read, tab, actor, account_id, _query(request))
    except NotFound:
        raise Http404 from None
    return _render(site, request, tab, header, {**content, "form": form})


async def _read(tab: Tab, actor: Principal, user_id: int, query: CursorQuery) -> tuple[CustomerHeader, Content]:
    header = await customer_page().header(actor, user_id)
    return header, await tab.read(actor, header, query)


def _query(request: HttpRequest) -> CursorQuery:
    """Return the part of the list that the page shows; an invalid cursor is the beginning."""
    chosen = {name: request.GET[name] for name in ("interval", "group_by") if name in request.GET}
    try:
        return TabQuery.model_validate({"cursor": request.GET.get("cursor", ""), "size": ROWS, **chosen})
    except ValidationError:
        return TabQuery.model_validate({"cursor": "", "size": ROWS})


def _render(
    site: AdminSite, request: HttpRequest, tab: Tab, header: CustomerHeader, content: Mapping[str, Any]
) -> HttpResponse:
    actor, pages = acting_staff(request), account_pages(site)
    tabs = [(each, reverse(f"admin:{each.url_name}", args=[header.account.id])) for each in TABS]
    context = {
        **site.each_context(request),
        **content,
        "title": header.account.full_name or header.account.username,
        "subtitle": None if tab.name == "overview" else tab.label,
        "header": header,
        "account": header.account,
        "tab": tab,
        "tabs": [(each, url) for each, url in tabs if actor.has_scope(each.scope)],
        "opts": pages.opts,
        "edit_url": reverse(pages.url_name("change"), args=[header.account.id]),
        "actions": first_actions(request, pages, header.account),
        "more": more_actions(request, pages, header.account),
        "links": page_links(request, header.account),
        "operations": security_actions(request, pages, header.account) if tab.name == "security" else {},
    }
    request.current_app = site.name
    return TemplateResponse(request, f"admin/backoffice/customer/{tab.name}.html", context)


def _change_notes(request: HttpRequest, actor: Principal, user_id: int, form: NoteForm) -> HttpResponse | None:
    """Add or delete a note, and return the redirect to the notes, or None if the form has errors."""
    deleted = request.POST.get("delete")
    try:
        if deleted is not None:
            call_service(note_service().delete, actor, user_id, parse_row_id(deleted))
            messages.success(request, "The note has been deleted.")
        elif form.is_valid():
            new: Any = form.payload
            call_service(note_service().add, actor, user_id, new, one_time_key(request))
            messages.success(request, "The note has been added.")
        else:
            return None
    except DomainError as error:
        if deleted is None:
            add_service_errors(form, error)
            return None
        messages.error(request, error.public_message)
    return HttpResponseRedirect(reverse("admin:customer_notes", args=[user_id]))

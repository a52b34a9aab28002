"""The base classes of every model in the admin, editable or read-only."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import DataError, OperationalError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold.admin import ModelAdmin as UnfoldModelAdmin

from apps.core.admin.form_fields import NO_ROW_ID, parse_row_id
from apps.core.admin.search import condition_of
from apps.core.admin.searched_list import SEARCH_EXPIRED, SearchedList, query_of_search, seal_term, without_secrets
from apps.core.admin.staff_rights import ADD, CHANGE, DELETE, VIEW, PageScopes, register_page
from apps.core.database.page_statements import bounded_statements, is_statement_timeout

# Generic only for the type checker, which reads Django's annotations: those of unfold are incomplete.
if TYPE_CHECKING:
    ModelAdminBase = ModelAdmin[Any]
    PaginatorBase = Paginator[Any]
else:
    ModelAdminBase = UnfoldModelAdmin
    PaginatorBase = Paginator

ROWS_MAXIMUM = 10_000
ID_LOOKUPS = ("_id", "__id__exact")
# The lookups that Django's filters append to the name of their field.
FILTER_SUFFIXES = ("", "__exact", "__isnull", "__gte", "__lt", "__id__exact")

SEARCH_TOOK_TOO_LONG = "The search took too long. Enter more characters, or use fewer filters."
RETRY_AFTER_ONE_SECOND = {"Retry-After": "1"}


class BoundedPaginator(PaginatorBase):
    """Paginates the first ROWS_MAXIMUM rows, because counting all of them would read the whole table for each page."""

    @cached_property
    def count(self) -> int:
        """The number of rows on all pages, at most ROWS_MAXIMUM."""
        rows: Any = self.object_list
        return int(rows.order_by()[:ROWS_MAXIMUM].count())

    def page(self, number: int | str) -> Page[Any]:
        """Return the page. The ids are read first, so that nothing is joined or calculated for rows before the page."""
        valid = self.validate_number(number)
        start = (valid - 1) * self.per_page
        rows: Any = self.object_list
        ids = list(rows.values_list("pk", flat=True)[start : min(start + self.per_page, self.count)])
        return Page(rows.filter(pk__in=ids), valid, self)


class KeyhouseModelAdmin(ModelAdminBase):
    """A change list that can only be filtered by the filters that it displays.

    Django's change lists accept a lookup on any column, so staff who may view accounts could guess a password hash
    character by character. Here a URL may only name a filter of `list_filter`, or one of the `linked_lookups`, which
    links from other pages use.

    The services' audit trail is the only history; Django's LogEntry is not written. `audit_kind` is the target kind of
    these rows in the audit trail, empty for rows that it does not cover. `page_scopes` are the scopes that these pages
    require; Django's own permissions have no effect. `found_columns` are those by which the search on every page finds
    rows, as in `search_fields`; without any, it does not look here.
    """

    audit_kind: ClassVar[str] = ""
    page_scopes: ClassVar[PageScopes]
    linked_lookups: Sequence[str] = ()
    found_columns: Sequence[str] = ()
    # Django's own: unfold's form needs expressions in the page, and its choices lack an argument of Django 6.1.
    action_form = ActionForm
    get_action_choices = ModelAdmin.get_action_choices
    paginator = BoundedPaginator
    show_full_result_count = False
    # Rows are listed by id, the newest first. Any other order reads and sorts the whole table; None, in lists of few
    # rows, allows every column.
    sortable_by: ClassVar[Any] = ()
    show_facets = ShowFacets.NEVER  # they would count the whole table, once for each choice of each filter
    list_per_page = 50

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        register_page(self.opts.app_label, str(self.opts.model_name), self.page_scopes)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the list to those who may view it."""
        return self.page_scopes.allow(request.user, VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow staff who hold a scope for it."""
        return self.page_scopes.allow(request.user, VIEW)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow staff who hold a scope for it."""
        return self.page_scopes.allow(request.user, ADD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow staff who hold a scope for it."""
        return self.page_scopes.allow(request.user, CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow staff who hold a scope for it."""
        return self.page_scopes.allow(request.user, DELETE)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row, or None. The id must be written as pages link it: Django would find row 96 as `9_6` too."""
        if parse_row_id(object_id) == NO_ROW_ID:
            return None
        return super().get_object(request, object_id, from_field)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None) -> bool:
        """Return whether the list may be filtered by the lookup; an id must be written as pages link it."""
        if lookup.endswith(ID_LOOKUPS) and parse_row_id(value) == NO_ROW_ID:
            return False
        by_filters = (name for list_filter in self.list_filter for name in _lookups_of(list_filter))
        return lookup in self.linked_lookups or lookup in by_filters

    def get_urls(self) -> list[URLPattern]:
        """Return the URL to which the list's search is sent, followed by Django's own."""
        search = path("search/", self.admin_site.admin_view(self.search_view), name=self._page_name("search"))
        return [search, *super().get_urls()]

    def url_name(self, page: str) -> str:
        """Return the URL name of one of this list's pages."""
        return f"admin:{self._page_name(page)}"

    def _page_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return SearchedList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list. Raises IncorrectLookupParameters for invalid filters, which redirects to the whole list."""
        try:
            return super().get_changelist_instance(request)
        except (DisallowedModelAdminLookup, DataError) as error:
            raise IncorrectLookupParameters from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that match each word of the term; see `search.py`."""
        term = without_secrets(self.admin_site, search_term)
        return queryset.filter(condition_of(self.model, self.get_search_fields(request), term)), False

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect to what the list's search has found. The term is sent in the body, and sealed in the address."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        term = request.POST.get(SEARCH_VAR, "")
        opened = self.opened_by(request, term)
        if opened is not None:
            return opened
        sent = {name: str(value) for name, value in request.POST.items()}
        filters = {name: value for name, value in sent.items() if self._is_of_list(request, name, value)}
        query = query_of_search(request, without_secrets(self.admin_site, term), filters)
        return HttpResponseRedirect(f"{reverse(self.url_name('changelist'))}?{query}")

    def _is_of_list(self, request: HttpRequest, name: str, value: str) -> bool:
        return name == ORDER_VAR or self.lookup_allowed(name, value, request)

    def opened_by(self, request: HttpRequest, term: str) -> HttpResponse | None:
        """Return the response to a term that is a secret of one row, which is looked for nowhere else."""
        return None

    def searchable(self, term: str) -> str:
        """Return the term without secrets of these rows."""
        return term

    def found_by(self, term: str) -> Q | None:
        """Return the condition of the rows that the search on every page finds by the term, None for no rows."""
        return condition_of(self.model, self.found_columns, term) if self.found_columns else None

    def find(self, request: HttpRequest, term: str, maximum: int) -> list[Any]:
        """Return up to `maximum` rows that the search on every page finds, and that the member of staff may see."""
        condition = self.found_by(term)
        if condition is None or not self.has_view_permission(request):
            return []
        rows = self.get_queryset(request)
        ids = list(rows.filter(condition).order_by().values_list("pk", flat=True)[:maximum])
        return list(rows.filter(pk__in=ids).order_by("-pk"))

    def found_url(self, row: Any) -> str:
        """Return the address of the row's page, to which the search on every page leads."""
        return reverse(self.url_name("change"), args=[row.pk])

    def found_detail(self, row: Any) -> str:
        """Return what the search on every page shows beside the row."""
        return ""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Serve the list with the model's plural name as its title, and stop queries that take too long.

        After a timeout, a search or a filter redirects to the whole list; the whole list itself responds with 503.
        """
        if not seal_term(request):
            self.message_user(request, SEARCH_EXPIRED, messages.WARNING)
            return HttpResponseRedirect(request.path)
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        try:
            with bounded_statements():
                return rendered(super().changelist_view(request, {**title, **(extra_context or {})}))
        except OperationalError as error:
            if not is_statement_timeout(error):
                raise
        if request.GET:
            self.message_user(request, SEARCH_TOOK_TOO_LONG, messages.WARNING)
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), **title, "opts": self.opts}
        return TemplateResponse(
            request,
            "admin/statement_timeout.html",
            context,
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            headers=RETRY_AFTER_ONE_SECOND,
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add the subtitle, and the link to the history if there is one and the user may read the audit trail."""
        row = context.get("original")
        own = {
            "subtitle": self.subtitle_of(row) if row else None,
            "has_history": bool(self.audit_kind) and request.user.has_perm("audit.view_auditevent"),
        }
        return super().render_change_form(request, {**context, **own}, *args, **options)

    def subtitle_of(self, row: Any) -> str:
        """Return the subtitle of the row's page."""
        return str(row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the row's audit trail."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None or not self.audit_kind:
            raise Http404
        kind, target_id = self.audit_target(row)
        query = urlencode({"target_kind": kind, "target_id": target_id})
        return HttpResponseRedirect(f"{reverse('admin:audit_auditevent_changelist')}?{query}")

    def audit_target(self, row: Any) -> tuple[str, int]:
        """Return the kind and the id of the row in the audit trail."""
        return self.audit_kind, row.pk


class ReadOnlyAdmin(KeyhouseModelAdmin):
    """Displays rows read-only. Each allowed change is an Operation; `page_scopes.change` are the scopes of these."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: rows are read-only."""
        return False


def _lookups_of(list_filter: Any) -> Sequence[str]:
    if callable(list_filter):
        return (list_filter.parameter_name,)
    field = list_filter if isinstance(list_filter, str) else list_filter[0]
    return [f"{field}{suffix}" for suffix in FILTER_SUFFIXES]


def rendered(response: HttpResponse) -> HttpResponse:
    """Render the response now: a list reads its rows only while it is rendered, which has to be bounded too."""
    return response.render() if isinstance(response, TemplateResponse) else response

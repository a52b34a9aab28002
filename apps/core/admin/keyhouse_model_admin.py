"""The base of every list of the admin, written or only read."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import DataError, OperationalError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst

from apps.core.admin.bounded_paginator import BoundedPaginator
from apps.core.admin.generic_bases import ModelAdminBase
from apps.core.authorization.permissions import ask_for
from apps.core.database.bounded_statements import bounded_statements, took_too_long

# What Django's filters add to the name of the field that they filter by.
FILTER_SUFFIXES = ("", "__exact", "__isnull", "__gte", "__lt", "__id__exact")

SEARCH_TOOK_TOO_LONG = "The search took too long. Enter more characters, or use fewer filters."
SHORTLY = {"Retry-After": "1"}


class KeyhouseModelAdmin(ModelAdminBase):
    """A list that is filtered by what its page offers and by nothing else.

    Django's own lists take a lookup by any column of theirs: whoever may look at accounts could guess the hash of a
    password letter by letter. Here an address names a filter of `list_filter`, or one of the `linked_lookups`, by
    which other pages lead to the list.

    The audit trail of the services is the only history; Django's LogEntry is not kept. `audit_kind` is what the trail
    calls these rows, and empty where it does not tell of them. `verbs` are those for which its pages ask for a
    permission, which are all that a role may carry of them.
    """

    audit_kind: ClassVar[str] = ""
    verbs: ClassVar[Sequence[str]] = ("view", "add", "change", "delete")
    linked_lookups: Sequence[str] = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        ask_for(f"{self.opts.app_label}.{get_permission_codename(verb, self.opts)}" for verb in self.verbs)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None) -> bool:
        """Return whether the list may be filtered so."""
        by_filters = (name for list_filter in self.list_filter for name in _lookups_of(list_filter))
        return lookup in self.linked_lookups or lookup in by_filters

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list; raises IncorrectLookupParameters, which leads back to the whole list, for bad filters."""
        try:
            return super().get_changelist_instance(request)
        except (DisallowedModelAdminLookup, DataError) as error:
            raise IncorrectLookupParameters from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what the term finds; PostgreSQL has no text that holds a NUL."""
        if "\x00" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Serve the list under the name of what it lists; what takes too long is given up.

        A search or a filter leads back to the whole list then; for that list itself the answer is 503.
        """
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        try:
            with bounded_statements():
                return super().changelist_view(request, {**title, **(extra_context or {})})
        except OperationalError as error:
            if not took_too_long(error):
                raise
        if request.GET:
            self.message_user(
                request, "The search took too long. Enter more characters, or use fewer filters.", messages.WARNING
            )
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), **title, "opts": self.opts}
        return TemplateResponse(
            request, "admin/took_too_long.html", context, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=SHORTLY
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Say what the page is about, and offer the history to whoever may read it, where there is one."""
        row = context.get("original")
        own = {
            "subtitle": self.subtitle_of(row) if row else None,
            "has_history": bool(self.audit_kind) and request.user.has_perm("audit.view_auditevent"),
        }
        return super().render_change_form(request, {**context, **own}, *args, **options)

    def subtitle_of(self, row: Any) -> str:
        """Return what the page of the row is about."""
        return str(row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row's audit trail."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None or not self.audit_kind:
            raise Http404
        kind, target_id = self.audit_target(row)
        query = urlencode({"target_kind": kind, "target_id": target_id})
        return HttpResponseRedirect(f"{reverse('admin:audit_auditevent_changelist')}?{query}")

    def audit_target(self, row: Any) -> tuple[str, int]:
        """Return the kind and the number under which the audit trail tells of the row."""
        return self.audit_kind, row.pk


def _lookups_of(list_filter: Any) -> Sequence[str]:
    if callable(list_filter):
        return (list_filter.parameter_name,)
    field = list_filter if isinstance(list_filter, str) else list_filter[0]
    return [f"{field}{suffix}" for suffix in FILTER_SUFFIXES]

"""The buttons, list actions and confirmation pages of an app's operations."""

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.kept_forms import sent_or_kept
from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin
from apps.core.admin.one_time_forms import one_time_key
from apps.core.admin.operation import Operation, added_operations
from apps.core.admin.schema_form import add_service_errors
from apps.core.admin.staff_rights import CHANGE, DELETE, acting_staff
from apps.core.errors import DomainError, StepUpRequired
from apps.core.schemas.base import REASON

ROWS_MAXIMUM = 500


class OperationPages(KeyhouseModelAdmin):
    """Serves each Operation at `<list>/<name>/?id=1&id=2`: GET asks for confirmation, POST performs it."""

    operations: Sequence[Operation] = ()

    @property
    def offered_operations(self) -> tuple[Operation, ...]:
        """The operations of this page, and those that other apps add to it, independent of the load order."""
        return (*self.operations, *added_operations(self.opts.label))

    @property
    def actions(self) -> Sequence[Any]:  # type: ignore[override]
        """The list actions, for operations that apply to many rows."""
        return [self._action(operation) for operation in self.offered_operations if operation.in_bulk]

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """Return the list actions that the signed-in member of staff may use."""
        refused = {f"{each.name}_selected" for each in self.offered_operations if not self._may(request, each)}
        return {
            name: action
            for name, action in super().get_actions(request, action_location).items()
            if name not in refused
        }

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the operations, followed by Django's own."""
        own = [
            path(f"{operation.name}/", self._page(operation), name=self._page_name(f"{operation.name}_selected"))
            for operation in self.offered_operations
        ]
        return [*own, *super().get_urls()]

    def after_operation(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], results: Sequence[Any]
    ) -> HttpResponse:
        """Return the response after the operation on the rows. The success message has been added already."""
        if len(request.GET.getlist("id")) == 1 and not operation.is_deletion:
            return HttpResponseRedirect(self.page_around(request, operation, rows[0]))
        return HttpResponseRedirect(reverse(self.url_name("changelist")))

    def page_around(self, request: HttpRequest, operation: Operation, row: Any) -> str:
        """Return the URL of the page that the operation on this one row returns to, done or cancelled."""
        return reverse(self.url_name("change"), args=[quote(row.pk)])

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add the operations' buttons."""
        row = context.get("original")
        tools = self.tools_for(request, row) if row else []
        return super().render_change_form(request, {**context, "operation_tools": tools}, *args, **options)

    def tools_for(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the buttons of the row's page."""
        return [
            {"label": operation.label, "url": self.operation_url(operation, [row.pk]), "operation": operation}
            for operation in self.offered_operations
            if not operation.is_deletion and operation.applies(row) and self._may(request, operation)
        ]

    def operation_url(self, operation: Operation, ids: Sequence[Any]) -> str:
        """Return the URL of the confirmation page for these rows."""
        return (
            reverse(self.url_name(f"{operation.name}_selected")) + "?" + urlencode([("id", row_id) for row_id in ids])
        )

    def operation_view(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> HttpResponse:
        """Serve the confirmation page, or perform the operation and report the result."""
        if not self._may(request, operation):
            raise PermissionDenied
        rows = self._rows(request, operation, ids)
        if not rows:
            self.message_user(request, f"“{operation.label}” does not apply here.", messages.WARNING)
            return HttpResponseRedirect(reverse(self.url_name("changelist")))
        form = sent_or_kept(request, operation.form_class)
        form.one_time_key = one_time_key(request)  # for services that take an idempotency key
        if request.method == "POST" and form.is_valid():
            response = self._perform(request, operation, rows, form)
            if response:
                return response
        return self._confirmation_page(request, operation, rows, form)

    def _perform(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Form
    ) -> HttpResponse | None:
        actor = acting_staff(request).because(form.cleaned_data.get(REASON, ""))
        results, failures = [], []
        for row in rows:
            try:
                results.append(operation.perform(actor, row.pk, form))
            except StepUpRequired:
                raise
            except DomainError as error:
                failures.append((row, error))
        if failures and len(rows) == 1:
            add_service_errors(form, failures[0][1])
            return None
        for row, failure in failures:
            self.message_user(request, f"{row}: {failure.public_message}", messages.ERROR)
        if results and operation.build_response:
            return operation.build_response(results)
        if results:
            message = self._formatted(operation.done, rows, len(results))
            self.message_user(request, f"{capfirst(message)}.", messages.SUCCESS)
        return self.after_operation(request, operation, rows, results)

    def _confirmation_page(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Form
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{self._formatted(operation.title, rows, len(rows))}?",
            "opts": self.opts,
            "operation": operation,
            "rows": rows,
            "form": form,
            "back_url": self._back_url(request, operation, rows),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/operation.html", context)

    def _back_url(self, request: HttpRequest, operation: Operation, rows: Sequence[Any]) -> str:
        if len(rows) == 1:
            return self.page_around(request, operation, rows[0])
        return reverse(self.url_name("changelist"))

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        row_ids = [parse_row_id(text) for text in ids[:ROWS_MAXIMUM]]
        found = self.get_queryset(request).filter(pk__in=row_ids).order_by("pk")
        return [row for row in found if operation.applies(row)]

    def _may(self, request: HttpRequest, operation: Operation) -> bool:
        if not self.has_view_permission(request):
            return False
        if operation.scopes:
            return all(map(acting_staff(request).has_scope, operation.scopes))
        return self.page_scopes.allow(request.user, DELETE if operation.is_deletion else CHANGE)

    def named(self, row: Any) -> str:
        """Return the name of the row for a message."""
        return f"{self.opts.verbose_name} “{row}”"

    def _formatted(self, template: str, rows: Sequence[Any], number: int) -> str:
        return template.format(rows=self._rows_text(rows, number), owner=getattr(rows[0], "user", ""))

    def _rows_text(self, rows: Sequence[Any], number: int) -> str:
        if len(rows) == 1:
            return self.named(rows[0])
        return f"{number} {self.opts.verbose_name_plural if number != 1 else self.opts.verbose_name}"

    def _page(self, operation: Operation) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest) -> HttpResponse:
            return self.operation_view(request, operation, request.GET.getlist("id"))

        return self.admin_site.admin_view(page)

    def _action(self, operation: Operation) -> Callable[..., HttpResponse | None]:
        action = partial(_redirect_to_confirmation, operation=operation)
        update_wrapper(action, _redirect_to_confirmation)
        action.__name__ = f"{operation.name}_selected"  # type: ignore[attr-defined]
        selected = operation.title.format(rows="selected %(verbose_name_plural)s", owner="")
        action.short_description = selected  # type: ignore[attr-defined]
        return action


def _redirect_to_confirmation(
    pages: OperationPages, request: HttpRequest, rows: QuerySet[Any], *, operation: Operation
) -> HttpResponse | None:
    """Redirect from the list to the confirmation page."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[: ROWS_MAXIMUM + 1])
    if len(ids) > ROWS_MAXIMUM:
        pages.message_user(request, f"Select at most {ROWS_MAXIMUM} rows.", messages.WARNING)
        return None
    return HttpResponseRedirect(pages.operation_url(operation, ids))

"""The buttons, list actions and pages of a room's operations."""

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.added_operations import added_operations
from apps.core.admin.form_errors import add_refusal
from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin
from apps.core.admin.operation import Operation
from apps.core.admin.row_number import number_in
from apps.core.errors import DomainError, StepUpRequired

ROWS_MAXIMUM = 500


class OperationPages(KeyhouseModelAdmin):
    """Gives each Operation a page that asks (GET) and does it (POST), at `<list>/<name>/?id=1&id=2`."""

    operations: Sequence[Operation] = ()

    @property
    def offered_operations(self) -> tuple[Operation, ...]:
        """The operations of this page and those that other apps add to it, in whatever order their pages load."""
        return (*self.operations, *added_operations(self.opts.label))

    @property
    def actions(self) -> Sequence[Any]:  # type: ignore[override]
        """What Django offers for several rows of the list."""
        return [self._action(operation) for operation in self.offered_operations if operation.in_bulk]

    def get_urls(self) -> list[URLPattern]:
        """Return the operations' addresses before Django's own."""
        own = [
            path(f"{operation.name}/", self._page(operation), name=self._page_name(f"{operation.name}_selected"))
            for operation in self.offered_operations
        ]
        return [*own, *super().get_urls()]

    def url_name(self, page: str) -> str:
        """Return the name of the address of one of this list's pages."""
        return f"admin:{self._page_name(page)}"

    def after_operation(self, request: HttpRequest, operation: Operation, results: Sequence[Any]) -> HttpResponse:
        """Return the answer when everything has been done; there is a message already."""
        ids = request.GET.getlist("id")
        if len(ids) == 1 and operation.permission != "delete":
            return HttpResponseRedirect(reverse(self.url_name("change"), args=[quote(ids[0])]))
        return HttpResponseRedirect(reverse(self.url_name("changelist")))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add the operations' buttons."""
        row = context.get("original")
        tools = self.tools_for(request, row) if row else []
        return super().render_change_form(request, {**context, "operation_tools": tools}, *args, **options)

    def tools_for(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the buttons for the row's page."""
        return [
            {"label": operation.label, "url": self.operation_url(operation, [row.pk]), "tool": operation}
            for operation in self.offered_operations
            if operation.permission != "delete" and operation.applies(row) and self._may(request, operation, row)
        ]

    def operation_url(self, operation: Operation, ids: Sequence[Any]) -> str:
        """Return the address of the page that asks whether to do it to these rows."""
        return (
            reverse(self.url_name(f"{operation.name}_selected")) + "?" + urlencode([("id", row_id) for row_id in ids])
        )

    def operation_view(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> HttpResponse:
        """Ask, or do it and say so."""
        if not self._may(request, operation):
            raise PermissionDenied
        rows = self._rows(request, operation, ids)
        if not rows:
            self.message_user(request, f"“{operation.label}” does not apply here.", messages.WARNING)
            return HttpResponseRedirect(reverse(self.url_name("changelist")))
        form = operation.form_class(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            answer = self._perform(request, operation, rows, form)
            if answer:
                return answer
        return self._question(request, operation, rows, form)

    def has_superuser_permission(self, request: HttpRequest, _row: Any = None) -> bool:
        """Let superusers do what asks for one, and show it to nobody else."""
        return acting_staff(request).is_superuser

    def _perform(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Form
    ) -> HttpResponse | None:
        actor, results, refusals = acting_staff(request), [], []
        for row in rows:
            try:
                results.append(operation.perform(actor, row.pk, form))
            except StepUpRequired:
                raise
            except DomainError as error:
                refusals.append((row, error))
        if refusals and len(rows) == 1:
            add_refusal(form, refusals[0][1])
            return None
        for row, refusal in refusals:
            self.message_user(request, f"{row}: {refusal.public_message}", messages.ERROR)
        if results and operation.answer:
            return operation.answer(results)
        if results:
            self.message_user(request, f"{capfirst(self._said(operation.done, rows, len(results)))}.", messages.SUCCESS)
        return self.after_operation(request, operation, results)

    def _question(self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Form) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{self._said(operation.order, rows, len(rows))}?",
            "opts": self.opts,
            "operation": operation,
            "rows": rows,
            "form": form,
            "back_url": self._back_url(rows),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/operation.html", context)

    def _page_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _back_url(self, rows: Sequence[Any]) -> str:
        if len(rows) == 1:
            return reverse(self.url_name("change"), args=[rows[0].pk])
        return reverse(self.url_name("changelist"))

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        numbers = [number_in(row_id) for row_id in ids[:ROWS_MAXIMUM]]
        found = self.get_queryset(request).filter(pk__in=numbers).order_by("pk")
        return [row for row in found if operation.applies(row) and self._may(request, operation, row)]

    def _may(self, request: HttpRequest, operation: Operation, row: Any = None) -> bool:
        return bool(getattr(self, f"has_{operation.permission}_permission")(request, row))

    def named(self, row: Any) -> str:
        """Return what a sentence calls the row."""
        return f"{self.opts.verbose_name} “{row}”"

    def _said(self, sentence: str, rows: Sequence[Any], number: int) -> str:
        return sentence.format(rows=self._counted(rows, number), owner=getattr(rows[0], "user", ""))

    def _counted(self, rows: Sequence[Any], number: int) -> str:
        if len(rows) == 1:
            return self.named(rows[0])
        return f"{number} {self.opts.verbose_name_plural if number != 1 else self.opts.verbose_name}"

    def _page(self, operation: Operation) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest) -> HttpResponse:
            return self.operation_view(request, operation, request.GET.getlist("id"))

        return self.admin_site.admin_view(page)

    def _action(self, operation: Operation) -> Callable[..., HttpResponse | None]:
        action = partial(_ask, operation=operation)
        update_wrapper(action, _ask)
        action.__name__ = f"{operation.name}_selected"  # type: ignore[attr-defined]
        selected = operation.order.format(rows="selected %(verbose_name_plural)s", owner="")
        action.short_description = selected  # type: ignore[attr-defined]
        action.allowed_permissions = [operation.permission]  # type: ignore[attr-defined]
        return action


def _ask(
    pages: OperationPages, request: HttpRequest, rows: QuerySet[Any], *, operation: Operation
) -> HttpResponse | None:
    """Lead from the list to the page that asks."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[: ROWS_MAXIMUM + 1])
    if len(ids) > ROWS_MAXIMUM:
        pages.message_user(request, f"Select at most {ROWS_MAXIMUM} at once.", messages.WARNING)
        return None
    return HttpResponseRedirect(pages.operation_url(operation, ids))

"""The base class of an app's admin pages: the ORM reads, services write."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse

from apps.core.admin.concurrent_edits import ChangedMeanwhile, outdated_fields, typed_values
from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.operation import Operation, is_not_deleted
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.schema_form import ReasonedModelForm, SchemaModelForm
from apps.core.admin.searched_list import SearchedChoice
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.principal import Principal
from apps.core.entity_tags import ANY_VERSION, Precondition, Tagged
from apps.core.errors import DomainError, PreconditionFailed, StepUpRequired
from apps.core.schemas.base import MESSAGE, REASON

_service_error: ContextVar[DomainError | None] = ContextVar("admin_service_error", default=None)


class ServiceAdmin(OperationPages):
    """Admin pages that write through services. Subclasses override `save_model` and set `delete_operation`.

    Django opens a transaction around its pages. A service writes in its own transaction on another connection, so
    nothing here may lock rows.
    """

    form = SchemaModelForm
    # The form and the fieldsets for a new row, if they differ from those for an existing row.
    add_form: ClassVar[type[SchemaModelForm] | None] = None
    add_fieldsets: ClassVar[Any] = None
    # The fields of a new row that links from other pages fill in. Django would fill in any, and fail at a text that is
    # no date; and a link from elsewhere must not fill in a form that a person then sends.
    linked_fields: Sequence[str] = ()
    delete_operation: ClassVar[Operation]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Serve the page of a row, and display in the form what the service refuses, or what has changed meanwhile."""
        try:
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            except PreconditionFailed:  # the row has changed since it was read here: read it again
                return super().changeform_view(request, object_id, form_url, extra_context)
        except ChangedMeanwhile as conflict:
            self._tell_what_changed(request, conflict.form)
            with typed_values(conflict.form), _as_get(request):
                response = super().changeform_view(request, object_id, form_url, extra_context)
            response.status_code = HTTPStatus.CONFLICT
            return response
        except StepUpRequired:
            messages.warning(request, "The change was not saved. Confirm your identity; what you entered is kept.")
            raise
        except DomainError as error:
            token = _service_error.set(error)
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            finally:
                _service_error.reset(token)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Tell what has changed since the values that come back after a sign-in were entered."""
        form = context["adminform"].form
        if form.kept_form:
            self._tell_what_changed(request, form.kept_form)
        return super().render_change_form(request, context, *args, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row, or None. A row that is about to be changed has its version, read before it, as `if_match`."""
        if_match = self._version(request, parse_row_id(object_id)) if request.method == "POST" else ANY_VERSION
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.if_match = if_match
        return row

    def resource_of(self, actor: Principal, row_id: int) -> Tagged | None:
        """Return the row as the API shows it, with its version; None for rows without versions."""
        return None

    def _version(self, request: HttpRequest, row_id: int) -> Precondition:
        try:
            resource = self.resource_of(acting_staff(request), row_id)
        except DomainError:  # a deleted row, or one that may not be read: Django refuses the request
            resource = None
        return Precondition(frozenset({resource.entity_tag})) if resource else ANY_VERSION

    def _tell_what_changed(self, request: HttpRequest, form: BaseForm) -> None:
        kind, outdated = self.opts.verbose_name, outdated_fields(form)
        if outdated:
            messages.warning(
                request, f"The {kind} was changed while you edited it. Check the form, then save it again."
            )
        for field in outdated:
            messages.warning(request, field.news())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets for adding or for changing a row.

        Last come the message to the customer and the reason, if its form asks for them.
        """
        is_new = obj is None
        own = self.add_fieldsets if is_new and self.add_fieldsets else super().get_fieldsets(request, obj)
        form = self.add_form if is_new and self.add_form else self.form
        asks = issubclass(form, ReasonedModelForm) and (is_new or self.has_change_permission(request, obj))
        texts = [name for name in (MESSAGE, REASON) if name in form.base_fields]
        return (*own, (None, {"fields": texts})) if asks else own

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """Return the form class for adding or for changing a row, with the current error of the service."""
        if not change and self.add_form:
            options["form"] = self.add_form
        form_class: Any = super().get_form(request, obj, change=change, **options)
        form_class.service_error = _service_error.get()
        return form_class

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the values of the linked fields in the address."""
        named = super().get_changeform_initial_data(request)
        return {name: value for name, value in named.items() if name in self.linked_fields}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Return the form field, which is searched by POST if the page offers a search."""
        if db_field.name in self.get_autocomplete_fields(request):
            options["widget"] = SearchedChoice(db_field, self.admin_site, using=options.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **options)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Return the form field, without links to add, change, view or delete a related row."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            for link in ("can_add_related", "can_change_related", "can_view_related", "can_delete_related"):
                setattr(field.widget, link, False)
        return field

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Serve the confirmation page, then delete through the service."""
        return self.operation_view(request, self.delete_operation, [unquote(object_id)])

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny changes of deleted rows."""
        return is_not_deleted(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny the deletion of deleted rows."""
        return is_not_deleted(obj) and super().has_delete_permission(request, obj)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Do nothing: the service writes the audit trail."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Do nothing: the service writes the audit trail."""


@contextmanager
def _as_get(request: HttpRequest) -> Iterator[None]:
    """Serve the form as its page, not as submitted."""
    request.method = "GET"
    try:
        yield
    finally:
        request.method = "POST"

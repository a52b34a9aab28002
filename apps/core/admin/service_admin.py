"""The base class of an app's admin pages: the ORM reads, services write."""

from contextvars import ContextVar
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.http import HttpRequest, HttpResponse

from apps.core.admin.operation import Operation, is_not_deleted
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.schema_form import SchemaModelForm
from apps.core.errors import DomainError, StepUpRequired

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
    delete_operation: ClassVar[Operation]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Serve the page of a row, and display an error of the service in the form."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except StepUpRequired:
            messages.warning(request, "The change was not saved. Confirm your identity, then repeat it.")
            raise
        except DomainError as error:
            token = _service_error.set(error)
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            finally:
                _service_error.reset(token)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets for adding or for changing a row."""
        return self.add_fieldsets if obj is None and self.add_fieldsets else super().get_fieldsets(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """Return the form class for adding or for changing a row, with the current error of the service."""
        if not change and self.add_form:
            options["form"] = self.add_form
        form_class: Any = super().get_form(request, obj, change=change, **options)
        form_class.service_error = _service_error.get()
        return form_class

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

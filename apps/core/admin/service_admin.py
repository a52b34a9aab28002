"""The base of a room's admin pages: lists read, services write."""

from contextvars import ContextVar
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.http import HttpRequest, HttpResponse

from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.schema_model_form import SchemaModelForm
from apps.core.errors import DomainError, StepUpRequired

_refusal: ContextVar[DomainError | None] = ContextVar("admin_refusal", default=None)


class ServiceAdmin(OperationPages):
    """Rooms override `save_model` to call a service, and name a `delete_operation`.

    Django opens a transaction around its pages. A service writes in a transaction of its own, on another connection,
    so nothing here may lock rows.
    """

    form = SchemaModelForm
    # What a new row is asked for, where that is not what is changed of one.
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
        """Serve the page of a row; what the service refuses is shown in the form."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except StepUpRequired:
            messages.warning(request, "Nothing is saved yet. Confirm your identity, then make the change again.")
            raise
        except DomainError as refusal:
            token = _refusal.set(refusal)
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            finally:
                _refusal.reset(token)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what a new row needs."""
        return self.add_fieldsets if obj is None and self.add_fieldsets else super().get_fieldsets(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """Return the form class for adding or for changing; it knows what the service has just refused."""
        if not change and self.add_form:
            options["form"] = self.add_form
        form_class: Any = super().get_form(request, obj, change=change, **options)
        form_class.refusal = _refusal.get()
        return form_class

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Choose a related row, without ways to change it from here."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            for way in ("can_add_related", "can_change_related", "can_view_related", "can_delete_related"):
                setattr(field.widget, way, False)
        return field

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask, then delete through the service."""
        return self.operation_view(request, self.delete_operation, [unquote(object_id)])

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave deleted rows as they are."""
        return _is_living(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Delete a row once."""
        return _is_living(obj) and super().has_delete_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show deleted rows to whoever sees the others."""
        return super().has_view_permission(request, obj) or super().has_change_permission(request)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit trail."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit trail."""


def _is_living(row: Any) -> bool:
    # Rows of a kind that is deleted for good have no mark of it.
    return getattr(row, "deleted_at", None) is None

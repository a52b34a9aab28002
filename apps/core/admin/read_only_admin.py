"""The base of lists whose rows nobody writes by hand."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpRequest

from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin


class ReadOnlyAdmin(KeyhouseModelAdmin):
    """Shows rows as they are. What may be done to them is an Operation, for whoever may `operate`."""

    verbs: ClassVar[Sequence[str]] = ("view",)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever has the permission to change these rows carry out the operations."""
        return super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to the services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave every row as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the services, and to `clean_up`."""
        return False

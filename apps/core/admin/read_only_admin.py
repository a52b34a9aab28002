"""The base class of admin pages for rows that staff cannot edit."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpRequest

from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin


class ReadOnlyAdmin(KeyhouseModelAdmin):
    """Displays rows read-only. Each allowed change is an Operation, which requires the permission `operate`."""

    verbs: ClassVar[Sequence[str]] = ("view",)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow operations to staff who have the model's change permission."""
        return super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: services add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: rows are read-only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: services and `clean_up` delete rows."""
        return False

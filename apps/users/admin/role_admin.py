"""The roles' list and pages."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.event_loop.sync_calls import call_service
from apps.users.admin.role_forms import RoleAddForm, RoleChangeForm
from apps.users.admin.role_operations import DELETE
from apps.users.dependencies import role_service
from apps.users.models import Role

WHAT_IT_LIMITS = (
    "A role's permissions limit what its members of staff see and do in the admin, "
    "not what they can do through the API as staff."
)


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    """Shows roles to staff who may see them; adds, changes and deletes them for superusers, whatever permissions others
    have: who could change a role, could raise themselves."""

    form = RoleChangeForm
    add_form = RoleAddForm
    operations = (DELETE,)
    delete_operation = DELETE
    audit_kind = "role"
    verbs = ("view",)

    list_display = ("name", "scopes", "permissions_number", "accounts")
    search_fields = ("name",)
    ordering = ("id",)
    add_fieldsets = ((None, {"description": WHAT_IT_LIMITS, "fields": ("name", "scopes", "permissions")}),)
    fieldsets = ((None, {"description": WHAT_IT_LIMITS, "fields": ("name", "scopes", "permissions", "accounts")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the roles with what they give and the number of living accounts that have each."""
        living = Count("user", filter=Q(user__deleted_at=None))
        return Role.objects.with_what_they_give().annotate(accounts_number=living).order_by("id")

    @admin.display(description="Scopes")
    def scopes(self, role: Any) -> SafeString:
        """Show each scope that the role gives."""
        return format_html_join(SafeString("<br>"), "<code>{}</code>", ((scope,) for scope in role.scope_names))

    @admin.display(description="Permissions")
    def permissions(self, role: Any) -> SafeString:
        """Show each permission in the admin."""
        return format_html_join(SafeString("<br>"), "<code>{}</code>", ((name,) for name in role.permission_names))

    @admin.display(description="Permissions in the admin")
    def permissions_number(self, role: Any) -> int:
        """Show how many permissions the role has."""
        return len(role.permission_names)

    @admin.display(description="Accounts", ordering="accounts_number")
    def accounts(self, role: Any) -> SafeString:
        """Lead to the accounts that have the role."""
        address = f"{reverse('admin:users_user_changelist')}?groups__id__exact={role.pk}"
        return format_html('<a href="{}">{}</a>', address, role.accounts_number)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to superusers."""
        return acting_staff(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to superusers."""
        return acting_staff(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to superusers."""
        return acting_staff(request).is_superuser

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what no one changes."""
        if obj is None:
            return ()
        return ("accounts",) if self.has_change_permission(request) else ("name", "scopes", "permissions", "accounts")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make or change the role through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(role_service().create, actor, form.payload).id
        elif form.payload.model_fields_set:
            call_service(role_service().update, actor, obj.pk, form.payload)
        obj.refresh_from_db()

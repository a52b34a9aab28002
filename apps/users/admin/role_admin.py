"""The list and pages of roles."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.operation import deletion
from apps.core.admin.schema_form import SchemaModelForm
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.authorization.catalogue import CATALOGUE, HeldBy
from apps.core.event_loop import call_service
from apps.users.dependencies import role_service
from apps.users.models import Role
from apps.users.schemas.role import RoleCreate, RoleUpdate

PERMISSIONS_EXPLAINED = (
    "The permissions of a role limit what members of staff see and do in the admin. "
    "They do not limit what staff do through the API."
)


def _scopes() -> list[tuple[str, str]]:
    declared = (scope for scope in CATALOGUE.values() if scope.held_by is HeldBy.ROLES)
    return [(scope.name, f"{scope.name}: {scope.description}") for scope in declared]


def _permissions() -> list[tuple[str, str]]:
    return [(row.full_name, f"{row.full_name}: {row.name}") for row in Role.objects.grantable_permissions()]


class RoleForm(SchemaModelForm):
    """The fields of a role, new or not.

    The page contains the values that it showed, so that saving an old page does not restore what was removed since.
    """

    scopes = forms.MultipleChoiceField(
        choices=_scopes,
        required=False,
        show_hidden_initial=True,
        widget=forms.CheckboxSelectMultiple,
        help_text="For the API: accounts with the role hold these scopes, and can give them to their API keys.",
    )
    permissions = forms.MultipleChoiceField(
        choices=_permissions,
        required=False,
        show_hidden_initial=True,
        widget=FilteredSelectMultiple("permissions", is_stacked=False),
        help_text="For the admin: the permissions of members of staff with the role.",
    )

    class Meta:
        model = Role
        fields: ClassVar = ["name"]


class RoleAddForm(RoleForm):
    """Creates a role."""

    schema = RoleCreate


class RoleChangeForm(RoleForm):
    """Changes a role; the chosen scopes and permissions replace the former ones."""

    schema = RoleUpdate

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["scopes"] = self.instance.scope_names
        self.initial["permissions"] = self.instance.permission_names


DELETE = deletion(role_service, "The role cannot be restored. A role that accounts have cannot be deleted.")


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    """Shows roles to staff who may view them. Only superusers add, change and delete them: other staff could give
    themselves rights."""

    form = RoleChangeForm
    add_form = RoleAddForm
    operations = (DELETE,)
    delete_operation = DELETE
    audit_kind = "role"
    verbs = ("view",)

    list_display = ("name", "scopes", "permissions_number", "accounts")
    search_fields = ("name",)
    ordering = ("id",)
    add_fieldsets = ((None, {"description": PERMISSIONS_EXPLAINED, "fields": ("name", "scopes", "permissions")}),)
    fieldsets = (
        (None, {"description": PERMISSIONS_EXPLAINED, "fields": ("name", "scopes", "permissions", "accounts")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the roles with their scopes and permissions, and the number of accounts that are not deleted."""
        members = Count("user", filter=Q(user__deleted_at=None))
        return Role.objects.with_scopes_and_permissions().annotate(accounts_number=members).order_by("id")

    @admin.display(description="Scopes")
    def scopes(self, role: Any) -> SafeString:
        """Show each scope of the role."""
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
        """Link to the accounts that have the role."""
        address = f"{reverse('admin:users_user_changelist')}?groups__id__exact={role.pk}"
        return format_html('<a href="{}">{}</a>', address, role.accounts_number)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow superusers only."""
        return acting_staff(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers only."""
        return acting_staff(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers only."""
        return acting_staff(request).is_superuser

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields."""
        if obj is None:
            return ()
        return ("accounts",) if self.has_change_permission(request) else ("name", "scopes", "permissions", "accounts")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the role through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(role_service().create, actor, form.payload).id
        elif form.payload.model_fields_set:
            call_service(role_service().update, actor, obj.pk, form.payload)
        obj.refresh_from_db()

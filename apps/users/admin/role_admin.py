"""The list and pages of roles."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin.operation import deletion
from apps.core.admin.schema_form import ReasonedModelForm, SchemaModelForm
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import (
    CATALOGUE,
    CUSTOMERS_READ,
    ROLE_SCOPES,
    STAFF_MANAGE,
    STAFF_READ,
    STAFF_SCOPES,
)
from apps.core.authorization.principal import Principal
from apps.core.entity_tags import Tagged
from apps.core.event_loop import call_service
from apps.core.schemas.base import REASON
from apps.users.admin.account_list import customer_url
from apps.users.dependencies import role_service
from apps.users.models import Role, User
from apps.users.schemas.role import RoleCreate, RoleUpdate

SCOPES_EXPLAINED = (
    "Accounts with the role hold its scopes, in the admin and in the API. Scopes of staff have no effect for others. "
    "You can give only scopes that you hold."
)
SHOWN = ("rights", "accounts", "members")
MEMBERS_MAXIMUM = 50


def _reads_accounts(request: HttpRequest) -> bool:
    return acting_staff(request).has_scope(CUSTOMERS_READ)


def _scopes() -> list[tuple[str, str]]:
    declared = (scope for scope in CATALOGUE.values() if scope.name in ROLE_SCOPES)
    return [(scope.name, f"{scope.name}: {scope.description}") for scope in declared]


class RoleForm(SchemaModelForm):
    """The fields of a role, new or not.

    The page contains the values that it showed, so that saving an old page does not restore what was removed since.
    """

    scopes = forms.MultipleChoiceField(
        choices=_scopes, required=False, show_hidden_initial=True, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Role
        fields: ClassVar = ["name"]


class RoleAddForm(RoleForm):
    """Creates a role."""

    schema = RoleCreate


class RoleChangeForm(RoleForm, ReasonedModelForm):
    """Changes a role; the chosen scopes replace the former ones."""

    schema = RoleUpdate

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["scopes"] = self.instance.scope_names


DELETE = deletion(role_service, "The role cannot be restored. A role that accounts have cannot be deleted.")


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    """Shows, adds, changes and deletes roles."""

    form = RoleChangeForm
    add_form = RoleAddForm
    operations = (DELETE,)
    delete_operation = DELETE
    audit_kind = "role"
    page_scopes = PageScopes.of(STAFF_READ, STAFF_MANAGE)

    list_display = ("name", "scopes", "accounts")
    search_fields = ("name",)
    ordering = ("id",)
    sortable_by = None
    add_fieldsets = ((None, {"description": SCOPES_EXPLAINED, "fields": ("name", "scopes")}),)
    fieldsets = (
        (None, {"fields": ("name", "rights", "accounts", "members")}),
        ("Scopes", {"description": SCOPES_EXPLAINED, "fields": ("scopes",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the roles with their scopes and how many accounts have each, deleted ones left out."""
        members = Count("user", filter=Q(user__deleted_at=None))
        return Role.objects.with_scopes().annotate(accounts_number=members).order_by("id")

    @admin.display(description="Scopes")
    def scopes(self, role: Any) -> SafeString:
        """Show each scope of the role."""
        return format_html_join(SafeString("<br>"), "<code>{}</code>", ((scope,) for scope in role.scope_names))

    @admin.display(description="Lets its members")
    def rights(self, role: Any) -> SafeString:
        """Say what each scope of the role allows, in the words of the catalogue."""
        sentences = ((CATALOGUE[name].description, name) for name in role.scope_names if name in CATALOGUE)
        listed = format_html_join("", "<li>{} <code>{}</code></li>", sentences)
        return format_html('<ul class="rights">{}</ul>', listed) if listed else SafeString("Nothing: it has no scope.")

    @admin.display(description="Members")
    def members(self, role: Any) -> SafeString:
        """Link to the first accounts that have the role."""
        found = User.objects.filter(groups=role.pk, deleted_at=None).order_by("id")[: MEMBERS_MAXIMUM + 1]
        links = [(customer_url(user.pk), user.email) for user in found.only("email")]
        listed = format_html_join("", '<li><a href="{}">{}</a></li>', links[:MEMBERS_MAXIMUM])
        rest = SafeString("<li>and others</li>" if len(links) > MEMBERS_MAXIMUM else "")
        return format_html('<ul class="rights">{}{}</ul>', listed, rest) if links else SafeString("None.")

    @admin.display(description="Accounts", ordering="accounts_number")
    def accounts(self, role: Any) -> SafeString:
        """Link to the accounts that have the role: members of staff, if it has a scope that only these can hold."""
        of_staff = not STAFF_SCOPES.isdisjoint(role.scope_names)
        members = reverse(f"admin:users_{'staffmember' if of_staff else 'user'}_changelist")
        address = f"{members}?groups__id__exact={role.pk}"
        return format_html('<a href="{}">{}</a>', address, role.accounts_number)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields."""
        if obj is None:
            return ()
        return SHOWN if self.has_change_permission(request) else ("name", *SHOWN)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets: members for those who may read accounts, scopes to choose for those who may change."""
        if obj is None:
            return self.add_fieldsets
        (title, first), scopes = self.fieldsets
        names = [name for name in first["fields"] if name != "members" or _reads_accounts(request)]
        shown = ((title, {**first, "fields": names}),)
        changed = (scopes, (None, {"fields": (REASON,)}))
        return (*shown, *changed) if self.has_change_permission(request, obj) else shown

    def resource_of(self, actor: Principal, row_id: int) -> Tagged:
        """Return the row as the API shows it, with its version."""
        return call_service(role_service().get, actor, row_id)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the role through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(role_service().create, actor, form.payload).id
        elif form.payload.changed_fields:
            call_service(role_service().update, actor, obj.pk, form.payload, obj.if_match)
        obj.refresh_from_db()

"""The accounts' list and pages."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.admin.account_links import account_links
from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.deleted_filter import DeletedFilter
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.event_loop.sync_calls import call_service
from apps.users.admin.account_filters import ActivityFilter, RoleFilter, StaffFilter
from apps.users.admin.user_forms import UserAddForm, UserChangeForm, roles_of
from apps.users.admin.user_operations import ACTIVATE, DEACTIVATE, DELETE, RESTORE
from apps.users.dependencies import account_update, registration
from apps.users.models import User

NEVER_CHANGED = (
    "number",
    "is_superuser",
    "email_verified_at",
    "last_login",
    "created_at",
    "updated_at",
    "locked_until",
    "deleted_at",
    "erased_at",
)


@admin.register(User)
class UserAdmin(ServiceAdmin):
    """Finds, adds, changes, deactivates and deletes accounts."""

    form = UserChangeForm
    add_form = UserAddForm
    operations = (ACTIVATE, DEACTIVATE, DELETE, RESTORE)
    delete_operation = DELETE
    audit_kind = "user"

    list_display = ("email", "username", "plan", "is_active", "is_staff", "created_at", "last_login")
    list_filter = (
        DeletedFilter,
        ("is_active", ActivityFilter),
        ("is_staff", StaffFilter),
        "plan",
        ("groups", RoleFilter),
    )
    list_select_related = ("plan",)
    search_fields = ("email", "username", "full_name")
    search_help_text = "E-mail address, user name or full name"
    ordering = ("-id",)
    add_fieldsets: ClassVar[Any] = ((None, {"fields": ("email", "username", "full_name", "password")}),)
    fieldsets = (
        (None, {"fields": ("number", "email", "username", "full_name")}),
        ("Plan and access", {"fields": ("plan", "is_active", "roles", "is_staff", "is_superuser")}),
        (
            "History",
            {
                "fields": (
                    ("created_at", "updated_at", "last_login"),
                    ("email_verified_at", "locked_until", "deleted_at", "erased_at"),
                )
            },
        ),
    )

    @admin.display(description="Account number")
    def number(self, user: Any) -> str:
        """Show the number that the audit trail and other lists know the account by."""
        return str(user.pk)

    @admin.display(description="Roles")
    def roles(self, user: Any) -> str:
        """Show the roles to whoever does not give them."""
        return ", ".join(roles_of(user)) or "none"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let only superusers say who is staff, and who has which role."""
        if obj is None:
            return ()
        is_superuser = acting_staff(request).is_superuser
        return NEVER_CHANGED if is_superuser else (*NEVER_CHANGED, "is_staff", "roles")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Offer no deleted account where one is chosen."""
        match = request.resolver_match
        if match and match.url_name == "autocomplete":
            queryset = queryset.filter(deleted_at=None)
        return super().get_search_results(request, queryset, search_term)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Lead to everything that is kept of the account."""
        user = context.get("original")
        links = account_links(request, user) if user else {}
        return super().render_change_form(request, {**context, "account_links": links}, *args, **options)

    def has_restore_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever changes accounts take back their deletion."""
        return self.has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Sign up or change the account through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(registration().register, form.payload, actor).id
        elif form.payload.model_fields_set:
            call_service(account_update().update, actor, obj.pk, form.payload)
        obj.refresh_from_db()

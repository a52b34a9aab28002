"""The list of customers, and the forms of all accounts."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import BooleanFieldListFilter, RelatedFieldListFilter
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.admin.account_links import account_links
from apps.core.admin.filters import DeletedFilter, NamedFilter
from apps.core.admin.schema_form import ReasonedModelForm, SchemaModelForm, customer_message_field
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, CUSTOMERS_SUSPEND, CUSTOMERS_WRITE, STAFF_MANAGE
from apps.core.authorization.principal import Principal
from apps.core.entity_tags import Tagged
from apps.core.event_loop import call_service
from apps.users.admin.account_list import AccountList
from apps.users.admin.account_operations import ACTIVATE, CHANGE_PLAN, DEACTIVATE, DELETE, MAILED, RESTORE
from apps.users.dependencies import account_update, registration, user_service
from apps.users.models import OF_STAFF, Role, User
from apps.users.schemas.user import UserAdministration, UserCreate

SHOWN = (
    "number", "is_superuser", "email_verified_at", "last_login", "created_at", "updated_at", "locked_until",
    "deleted_at", "erased_at",
)  # fmt: skip


# The scope that each field of the form requires.
SCOPES_OF_FIELDS = {
    "email": CUSTOMERS_WRITE,
    "username": CUSTOMERS_WRITE,
    "full_name": CUSTOMERS_WRITE,
    "plan": CUSTOMERS_WRITE,
    "is_active": CUSTOMERS_SUSPEND,
    "roles": STAFF_MANAGE,
    "is_staff": STAFF_MANAGE,
}


def role_names_of(user: User) -> list[str]:
    """Return the names of the account's roles, in order."""
    return list(user.groups.order_by("name").values_list("name", flat=True))


# --- filters --------------------------------------------------------------------------------------------------------


class ActivityFilter(NamedFilter, BooleanFieldListFilter):
    """Filters by whether accounts are active."""

    name = "active"


class RoleFilter(NamedFilter, RelatedFieldListFilter):
    """Filters by role, which Django calls a group."""

    name = "role"


# --- forms ----------------------------------------------------------------------------------------------------------


class UserAddForm(SchemaModelForm):
    """Creates an account."""

    schema = UserCreate
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text="Send it to the customer over a secure channel. Better: send an invitation, then only the "
        "customer knows the password.",
    )

    class Meta:
        model = User
        fields: ClassVar = ["email", "username", "full_name"]
        widgets: ClassVar = {"email": AdminTextInputWidget(attrs={"autocomplete": "off"})}


def role_choices() -> list[tuple[str, str]]:
    """Return the roles, as choices of a form."""
    return [(name, name) for name in Role.objects.order_by("name").values_list("name", flat=True)]


class UserChangeForm(ReasonedModelForm):
    """Changes an account.

    The page contains the roles that it showed, so that saving an old page does not restore a role that was removed.
    """

    schema = UserAdministration
    roles = forms.MultipleChoiceField(
        choices=role_choices,
        required=False,
        show_hidden_initial=True,
        widget=forms.CheckboxSelectMultiple,
        help_text="The account holds the scopes of its roles, and can give them to its API keys.",
    )
    message = customer_message_field(f"About a new plan, or suspending and reactivating. {MAILED}")

    class Meta:
        model = User
        fields: ClassVar = ["email", "username", "full_name", "plan", "is_active", "is_staff"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["roles"] = role_names_of(self.instance)

    def schema_values(self) -> dict[str, Any]:
        """Return the values, with the plan by its name, as API clients send them."""
        values = super().schema_values()
        return {**values, "plan": values["plan"].name} if "plan" in values else values


# --- the list and its pages -----------------------------------------------------------------------------------------


@admin.register(User)
class UserAdmin(AccountList, ServiceAdmin):
    """Finds customers; adds, changes, suspends, deletes and restores accounts, those of staff too.

    The list shows customers (`listed`). The other pages serve every account, because links lead to them from
    everywhere.
    """

    listed = ~OF_STAFF

    form = UserChangeForm
    add_form = UserAddForm
    operations = (CHANGE_PLAN, ACTIVATE, DEACTIVATE, DELETE, RESTORE)
    delete_operation = DELETE
    audit_kind = "user"
    page_scopes = PageScopes(
        view=(CUSTOMERS_READ,),
        add=(CUSTOMERS_WRITE,),
        change=(CUSTOMERS_WRITE, CUSTOMERS_SUSPEND, STAFF_MANAGE),
        delete=(CUSTOMERS_WRITE,),
    )

    list_display = ("address", "name", "state_badge", "plan", "created", "last_sign_in")
    list_filter: ClassVar[Any] = (DeletedFilter, ("is_active", ActivityFilter), "plan", ("groups", RoleFilter))
    list_select_related = ("plan",)
    search_fields = ("email", "username", "full_name")
    found_columns = ("email", "username", "full_name")
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

    @admin.display(description="Account id")
    def number(self, user: Any) -> str:
        """Show the id, which identifies the account in the audit trail and in other lists."""
        return str(user.pk)

    @admin.display(description="Roles")
    def roles(self, user: Any) -> str:
        """Show the roles to staff who cannot change them."""
        return ", ".join(role_names_of(user)) or "none"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that are only shown to staff with these scopes."""
        if obj is None:
            return ()
        actor = acting_staff(request)
        return (*SHOWN, *(name for name, scope in SCOPES_OF_FIELDS.items() if not actor.has_scope(scope)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the matches, without deleted accounts when another page offers them as choices."""
        match = request.resolver_match
        if match and match.url_name == "autocomplete":
            queryset = queryset.filter(deleted_at=None)
        return super().get_search_results(request, queryset, search_term)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add links to the account's rows in other apps."""
        user = context.get("original")
        links = account_links(request, user) if user else {}
        return super().render_change_form(request, {**context, "account_links": links}, *args, **options)

    def resource_of(self, actor: Principal, row_id: int) -> Tagged:
        """Return the row as the API shows it, with its version."""
        return call_service(user_service().get, actor, row_id)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the account through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(registration().register, form.payload, actor).id
        elif form.payload.changed_fields:
            call_service(account_update().update, actor, obj.pk, form.payload, obj.if_match)
        obj.refresh_from_db()

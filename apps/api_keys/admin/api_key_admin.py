"""The list and pages of API keys."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.api_keys.admin.api_key_operations import DELETE, REVOKE, ROTATE, KeyAddForm, KeyChangeForm
from apps.api_keys.admin.api_key_search import (
    CHANGE_PAGE,
    has_prefix,
    is_secret,
    metadata_of,
    redirect_to_key,
    without_secrets,
)
from apps.api_keys.admin.key_extension import EXTEND
from apps.api_keys.admin.key_states import StateFilter, state_badges
from apps.api_keys.admin.secret_pages import SecretPages
from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey, ApiKeySecret, key_state
from apps.api_keys.services import key_format
from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.one_time_forms import one_time_key
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.panels import PanelPages
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import KEYS_READ, KEYS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import withheld_scopes
from apps.core.entity_tags import Tagged
from apps.core.event_loop import call_service
from apps.core.values.amounts import amount_text
from apps.users.dependencies import user_service

SEARCH_VAR = "q"
BY_ID = "key:"  # how the search on every page names a key by its id
READ_ONLY = (
    "key_id",
    "budget_spent",
    "withheld_scopes",
    "created_by",
    "owner_link",
    "environment",
    "state_badge",
    "secrets",
    "last_used",
    "created_at",
    "updated_at",
    "revoked_at",
    "revoked_reason",
    "deleted_at",
)


@admin.register(ApiKey)
class ApiKeyAdmin(PanelPages, OwnerColumns, SecretPages):
    """Finds, creates, changes, rotates, revokes and deletes keys. A secret is shown on one page, once."""

    form = KeyChangeForm
    add_form = KeyAddForm
    operations = (EXTEND, ROTATE, REVOKE, DELETE)
    delete_operation = DELETE
    audit_kind = "api_key"
    page_scopes = PageScopes.of(KEYS_READ, KEYS_WRITE)

    list_display = ("name", "owner", "key_prefix", "environment", "state_badge", "last_used", "created_at")
    list_filter = (StateFilter, "environment")
    search_fields = ("name", "user__email", "user__username")
    found_columns = ("name",)
    search_help_text = 'Name, owner, visible prefix, a complete key, or a part of the metadata such as {"tier": 1}'
    ordering = ("-id",)
    autocomplete_fields = ("user",)
    linked_fields = ("user",)
    add_fieldsets: ClassVar[Any] = (
        (None, {"fields": ("user", "name", "description", "environment", "expires_at")}),
        ("Permissions", {"fields": ("scopes", "ip_allowlist", "metadata")}),
        ("Limits", {"fields": ("rate_limits", "budget")}),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("key_id", "owner_link", "environment", "state_badge"),
                    ("secrets", "created_by"),
                    "name",
                    "description",
                )
            },
        ),
        (
            "Permissions",
            {"fields": ("is_active", "expires_at", "scopes", "withheld_scopes", "ip_allowlist", "metadata")},
        ),
        ("Limits", {"fields": ("rate_limits", "budget", "budget_spent")}),
        (
            "History",
            {
                "fields": (
                    ("created_at", "updated_at", "last_used"),
                    ("revoked_at", "revoked_reason", "deleted_at"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the keys with their counters, visible prefix and state."""
        newest = ApiKeySecret.objects.filter(api_key=OuterRef("pk")).order_by("-id").values("prefix")[:1]
        keys: QuerySet[Any] = super().get_queryset(request).annotate(prefix=Subquery(newest), state=key_state())
        return keys.select_related("counter")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the keys whose metadata contains the term, a JSON object, or with this prefix, or else that match it.

        The first two are found by their indexes, which a search of names and owners could not use.
        """
        part = metadata_of(search_term)
        if part is not None:
            return queryset.filter(metadata__contains=part), False
        if search_term.strip().startswith(key_format.KEY_START):
            return queryset.filter(has_prefix(search_term.strip())), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="Prefix")
    def key_prefix(self, key: Any) -> SafeString:
        """Show the visible prefix of the newest secret."""
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description="Last used")
    def last_used(self, key: Any) -> str:
        """Show when the key was last used."""
        return str(display_for_value(key.counter.last_used_at, "-"))

    @admin.display(description="Spent")
    def budget_spent(self, key: Any) -> str:
        """Show how many credits the key has spent in its life."""
        return amount_text(key.counter.budget_spent)

    @admin.display(description="Scopes not in effect")
    def withheld_scopes(self, key: Any) -> str:
        """Show the scopes that the owner does not hold."""
        held = call_service(user_service().held_scopes, key.user_id)
        return ", ".join(withheld_scopes(key.scopes, held)) or "none"

    @admin.display(description="State")
    def state_badge(self, key: Any) -> SafeString:
        """Show the state in its colour, and beside another reason that of the owner, who may be suspended as well."""
        return state_badges(key)

    @admin.display(description="ID")
    def key_id(self, key: Any) -> str:
        """Show the id, as verification and the audit trail name the key."""
        return str(key.pk)

    @admin.display(description="Created by")
    def created_by(self, key: Any) -> str:
        """Link to the key that has created this one."""
        if key.parent_id is None:
            return "a session"
        return format_html('<a href="{}">key {}</a>', reverse(CHANGE_PAGE, args=[key.parent_id]), key.parent_id)

    @admin.display(description="Secrets")
    def secrets(self, key: Any) -> SafeString:
        """Show the visible prefix of each secret, and when it expires."""
        lines = ((row.prefix, _end(row)) for row in key.secrets.all())
        return format_html_join(SafeString("<br>"), "<code>{}…</code> {}", lines)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields."""
        return READ_ONLY if obj else ()

    def resource_of(self, actor: Principal, row_id: int) -> Tagged:
        """Return the row as the API shows it, with its version."""
        return call_service(api_key_service().get, actor, row_id)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the key through the service."""
        actor = acting_staff(request)
        if not change:
            owner_id, key = form.cleaned_data["user"].pk, one_time_key(request)
            created = call_service(api_key_service().create, actor, owner_id, form.payload, key)
            obj.pk, obj.name = created.id, created.name
        elif form.payload.changed_fields:
            call_service(api_key_service().update, actor, obj.pk, form.payload, obj.if_match)
            obj.refresh_from_db(fields=["name"])

    def opened_by(self, request: HttpRequest, term: str) -> HttpResponse | None:
        """Open the page of the key with this secret."""
        return redirect_to_key(request, term) if is_secret(term) else None

    def searchable(self, term: str) -> str:
        """Return the term without secrets."""
        return without_secrets(term)

    def found_by(self, term: str) -> Q | None:
        """Find keys by `key:<id>`, by the visible prefix of a secret, or by name."""
        if term.lower().startswith(BY_ID):
            return Q(pk=parse_row_id(term[len(BY_ID) :].strip()))
        if term.startswith(key_format.KEY_START):
            return has_prefix(term)
        return super().found_by(term)

    def found_detail(self, row: Any) -> str:
        """Show the owner, the visible prefix and the state."""
        return f"{row.user.email}, {row.prefix}…, {ApiKey.State(row.state).label}"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; a URL with a secret is redirected to one without it."""
        if is_secret(request.GET.get(SEARCH_VAR, "")):
            return redirect_to_key(request, request.GET[SEARCH_VAR])
        return super().changelist_view(request, extra_context)


def _end(secret: ApiKeySecret) -> str:
    return f"until {secret.expires_at:%Y-%m-%d %H:%M} UTC" if secret.expires_at else ""

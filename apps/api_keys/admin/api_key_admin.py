"""The keys' list and pages."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.api_keys.admin.key_forms import KeyAddForm, KeyChangeForm
from apps.api_keys.admin.key_operations import DELETE, REVOKE, ROTATE
from apps.api_keys.admin.key_search import is_secret, key_id_of, without_secrets
from apps.api_keys.admin.key_state import StateFilter, key_state
from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.operation import Operation
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.authorization.scopes import withheld_scopes
from apps.core.event_loop.sync_calls import call_service
from apps.usage.dependencies import usage_service
from apps.users.dependencies import user_service

SEARCH_VAR = "q"
NEVER_CHANGED = (
    "budget_spent",
    "withheld_scopes",
    "owner_link",
    "environment",
    "state_badge",
    "secrets",
    "last_used",
    "refused_lately",
    "created_at",
    "updated_at",
    "revoked_at",
    "revoked_reason",
    "deleted_at",
)


@admin.register(ApiKey)
class ApiKeyAdmin(OwnerColumns, ServiceAdmin):
    """Finds, makes, changes, rotates, revokes and deletes keys. A secret is on one page, once, and nowhere else."""

    form = KeyChangeForm
    add_form = KeyAddForm
    operations = (ROTATE, REVOKE, DELETE)
    delete_operation = DELETE
    audit_kind = "api_key"

    list_display = ("name", "owner", "key_prefix", "environment", "state_badge", "last_used", "created_at")
    list_filter = (StateFilter, "environment")
    search_fields = ("name", "user__email", "user__username", "secrets__prefix__startswith")
    search_help_text = "Name, owner, visible prefix, or a whole key"
    ordering = ("-id",)
    autocomplete_fields = ("user",)
    add_fieldsets: ClassVar[Any] = (
        (None, {"fields": ("user", "name", "description", "environment", "expires_at")}),
        ("What it may do", {"fields": ("scopes", "ip_allowlist", "metadata")}),
        ("How much it may use", {"fields": ("rate_limits", "budget")}),
    )
    fieldsets = (
        (None, {"fields": (("owner_link", "environment", "state_badge"), "secrets", "name", "description")}),
        (
            "What it may do",
            {"fields": ("is_active", "expires_at", "scopes", "withheld_scopes", "ip_allowlist", "metadata")},
        ),
        ("How much it may use", {"fields": ("rate_limits", "budget", "budget_spent")}),
        (
            "History",
            {
                "fields": (
                    ("created_at", "updated_at", "last_used"),
                    "refused_lately",
                    ("revoked_at", "revoked_reason", "deleted_at"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the keys with their owner, visible prefix and state."""
        newest = ApiKeySecret.objects.filter(api_key=OuterRef("pk")).order_by("-id").values("prefix")[:1]
        keys: QuerySet[Any] = super().get_queryset(request).annotate(prefix=Subquery(newest), state=key_state())
        return keys.select_related("counter")

    @admin.display(description="Prefix")
    def key_prefix(self, key: Any) -> SafeString:
        """Show what may be shown of the newest secret."""
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description="Last used", ordering="counter__last_used_at")
    def last_used(self, key: Any) -> str:
        """Show when the key was last allowed a call."""
        return str(display_for_value(key.counter.last_used_at, "-"))

    @admin.display(description="Spent")
    def budget_spent(self, key: Any) -> str:
        """Show how many credits the key has spent in its life."""
        return f"{key.counter.budget_spent:f}"

    @admin.display(description="Scopes that do not count")
    def withheld_scopes(self, key: Any) -> str:
        """Show what the key would have, did its owner hold it."""
        held = call_service(user_service().held_scopes, key.user_id)
        return ", ".join(withheld_scopes(key.scopes, held)) or "none"

    @admin.display(description="Refused in the last day")
    def refused_lately(self, key: Any) -> str:
        """Show why calls of the key were refused."""
        refused = call_service(usage_service().refused_lately, key.pk)
        lines = ((calls.code, calls.count, f"{calls.last_at:%Y-%m-%d %H:%M} UTC") for calls in refused)
        return format_html_join("", "<div><code>{}</code> {} times, last {}</div>", lines) if refused else "never"

    @admin.display(description="State", ordering="state")
    def state_badge(self, key: Any) -> SafeString:
        """Show the state in its colour."""
        return format_html('<span class="badge {}">{}</span>', key.state, key.state.capitalize())

    @admin.display(description="Secrets")
    def secrets(self, key: Any) -> SafeString:
        """Show what may be shown of each secret, and when it ends."""
        lines = ((row.prefix, _end(row)) for row in key.secrets.all())
        return format_html_join(SafeString("<br>"), "<code>{}…</code> {}", lines)

    def get_urls(self) -> list[URLPattern]:
        """Return the address that searches are sent to, before the others."""
        search = path("search/", self.admin_site.admin_view(self.search_view), name="api_keys_apikey_search")
        return [search, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what no one changes."""
        return NEVER_CHANGED if obj else ()

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Offer one way to save: it leads to the page with the secret."""
        one_way = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**one_way, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make or change the key through the service."""
        actor = acting_staff(request)
        if not change:
            made = call_service(api_key_service().create, actor, form.cleaned_data["user"].pk, form.payload)
            obj.pk, obj.name, obj.secret_in_clear = made.id, made.name, made.api_key
        elif form.payload.model_fields_set:
            call_service(api_key_service().update, actor, obj.pk, form.payload)
            obj.refresh_from_db(fields=["name"])

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the new key's secret."""
        return self._show_secret(request, obj.pk, obj.name, obj.secret_in_clear)

    def after_operation(self, request: HttpRequest, operation: Operation, results: Sequence[Any]) -> HttpResponse:
        """Show the new secret after a rotation."""
        if operation is ROTATE:
            return self._show_secret(request, results[0].id, results[0].name, results[0].api_key)
        return super().after_operation(request, operation, results)

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Lead to the key whose secret was pasted, or to the list of what was found; the term came in a body."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        query = request.POST.copy()
        query.pop("csrfmiddlewaretoken", None)
        term = str(query.get(SEARCH_VAR, ""))
        if is_secret(term):
            return self._key_of_secret(request, term)
        query[SEARCH_VAR] = without_secrets(term)
        return HttpResponseRedirect(f"{reverse('admin:api_keys_apikey_changelist')}?{query.urlencode()}")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; a secret that got into its address leaves it at once."""
        if is_secret(request.GET.get(SEARCH_VAR, "")):
            return self._key_of_secret(request, request.GET[SEARCH_VAR])
        return super().changelist_view(request, extra_context)

    def _key_of_secret(self, request: HttpRequest, secret: str) -> HttpResponse:
        key_id = key_id_of(secret) if self.has_view_or_change_permission(request) else None
        if key_id is None:
            self.message_user(request, "No key has this secret.", messages.WARNING)
            return HttpResponseRedirect(reverse("admin:api_keys_apikey_changelist"))
        return HttpResponseRedirect(reverse("admin:api_keys_apikey_change", args=[key_id]))

    def _show_secret(self, request: HttpRequest, key_id: int, name: str, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "The key's secret",
            "opts": self.opts,
            "key_id": key_id,
            "key_name": name,
            "secret": secret,
        }
        return TemplateResponse(
            request, "admin/api_keys/apikey/secret.html", context, headers={"Cache-Control": "no-store"}
        )


def _end(secret: ApiKeySecret) -> str:
    return f"until {secret.expires_at:%Y-%m-%d %H:%M} UTC" if secret.expires_at else ""

"""The plans' list and pages."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.rate_limits_field import rate_limit_text
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.event_loop.sync_calls import call_service
from apps.plans.admin.plan_forms import PlanAddForm, PlanChangeForm, rate_limits_of
from apps.plans.admin.plan_operations import DELETE
from apps.plans.dependencies import plan_service
from apps.plans.models import Plan


@admin.register(Plan)
class PlanAdmin(ServiceAdmin):
    """Adds, changes and deletes plans with their windows."""

    form = PlanChangeForm
    add_form = PlanAddForm
    operations = (DELETE,)
    delete_operation = DELETE
    audit_kind = "plan"

    list_display = ("name", "windows", "api_keys", "accounts", "updated_at")
    search_fields = ("name",)
    ordering = ("id",)
    add_fieldsets = ((None, {"fields": ("name", "rate_limits", "api_keys_maximum")}),)
    fieldsets = (
        (None, {"fields": ("name", "rate_limits", "api_keys_maximum", "accounts")}),
        ("History", {"fields": (("created_at", "updated_at"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the plans with their windows and the number of living accounts on each."""
        living = get_user_model()._default_manager.filter(plan=OuterRef("pk"), deleted_at=None).order_by()
        number = Subquery(living.values("plan").annotate(number=Count("pk")).values("number"), IntegerField())
        plans: QuerySet[Any] = super().get_queryset(request).annotate(accounts_number=Coalesce(number, 0))
        return plans.prefetch_related("limits")

    @admin.display(description="Rate limits")
    def windows(self, plan: Any) -> SafeString:
        """Show each window."""
        return format_html_join(
            SafeString("<br>"), "{}", ((rate_limit_text(window),) for window in rate_limits_of(plan))
        )

    @admin.display(description="API keys at most", ordering="api_keys_maximum")
    def api_keys(self, plan: Any) -> int | None:
        """Show how many keys an account may have."""
        maximum: int | None = plan.api_keys_maximum
        return maximum

    @admin.display(description="Accounts", ordering="accounts_number")
    def accounts(self, plan: Any) -> SafeString:
        """Lead to the accounts on the plan."""
        address = f"{reverse('admin:users_user_changelist')}?plan__id__exact={plan.pk}"
        return format_html('<a href="{}">{}</a>', address, plan.accounts_number)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what no one changes."""
        return ("accounts", "created_at", "updated_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make or change the plan through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(plan_service().create, actor, form.payload).id
        elif form.payload.model_fields_set:
            call_service(plan_service().update, actor, obj.pk, form.payload)
        obj.refresh_from_db()

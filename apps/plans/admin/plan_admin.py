"""The list and pages of plans."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin.form_fields import RateLimitsField, rate_limit_text
from apps.core.admin.one_time_forms import REFERENCE
from apps.core.admin.operation import deletion
from apps.core.admin.schema_form import ReasonedModelForm, SchemaModelForm
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import PLANS_READ, PLANS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.entity_tags import Tagged
from apps.core.event_loop import call_service
from apps.core.rate_limits.rate_limit import RateLimit
from apps.plans.admin.plan_fields import FeaturesField, PricesField
from apps.plans.admin.plan_preview import NotConfirmed, Reach, changes_of
from apps.plans.dependencies import plan_service
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanCreate, PlanUpdate

CONFIRMED = "confirmed"


class PlanForm(SchemaModelForm):
    """The fields of a plan, new or not."""

    rate_limits = RateLimitsField()
    features = FeaturesField()
    prices = PricesField()

    class Meta:
        model = Plan
        fields: ClassVar = ["name", "api_keys_maximum", "features", "prices"]
        labels: ClassVar = {"api_keys_maximum": "Maximum number of API keys"}
        help_texts: ClassVar = {"api_keys_maximum": "Revoked keys do not count. Empty: any number."}


class PlanAddForm(PlanForm):
    """Creates a plan."""

    schema = PlanCreate


class PlanChangeForm(PlanForm, ReasonedModelForm):
    """Changes a plan; the rate limits are shown as `rate_limits_of` returns them."""

    schema = PlanUpdate

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["rate_limits"] = rate_limits_of(self.instance)


DELETE = deletion(
    plan_service, "Deletes the plan and its rate limits permanently. A plan that accounts are on cannot be deleted."
)


@admin.register(Plan)
class PlanAdmin(ServiceAdmin):
    """Adds, changes and deletes plans with their rate limits."""

    form = PlanChangeForm
    add_form = PlanAddForm
    operations = (DELETE,)
    delete_operation = DELETE
    audit_kind = "plan"
    page_scopes = PageScopes((PLANS_READ, PLANS_WRITE), (PLANS_WRITE,), (PLANS_WRITE,), (PLANS_WRITE,))

    list_display = ("name", "rate_limits", "api_keys", "accounts", "updated_at")
    search_fields = ("name",)
    ordering = ("id",)
    sortable_by = None
    add_fieldsets = ((None, {"fields": ("name", "rate_limits", "api_keys_maximum", "features", "prices")}),)
    fieldsets = (
        (None, {"fields": ("name", "rate_limits", "api_keys_maximum", "features", "prices", "accounts")}),
        ("History", {"fields": (("created_at", "updated_at"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the plans with their rate limits and the number of accounts on each that are not deleted."""
        not_deleted = get_user_model()._default_manager.filter(plan=OuterRef("pk"), deleted_at=None).order_by()
        number = Subquery(not_deleted.values("plan").annotate(number=Count("pk")).values("number"), IntegerField())
        plans: QuerySet[Any] = super().get_queryset(request).annotate(accounts_number=Coalesce(number, 0))
        return plans.prefetch_related("limits")

    @admin.display(description="Rate limits")
    def rate_limits(self, plan: Any) -> SafeString:
        """Show each rate limit on a line."""
        return format_html_join(SafeString("<br>"), "{}", ((rate_limit_text(each),) for each in rate_limits_of(plan)))

    @admin.display(description="Maximum number of API keys", ordering="api_keys_maximum")
    def api_keys(self, plan: Any) -> int | None:
        """Show how many keys an account may have."""
        maximum: int | None = plan.api_keys_maximum
        return maximum

    @admin.display(description="Accounts", ordering="accounts_number")
    def accounts(self, plan: Any) -> SafeString:
        """Link to the accounts on the plan."""
        address = f"{reverse('admin:users_user_changelist')}?plan__id__exact={plan.pk}"
        return format_html('<a href="{}">{}</a>', address, plan.accounts_number)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields."""
        return ("accounts", "created_at", "updated_at") if obj else ()

    def resource_of(self, actor: Principal, row_id: int) -> Tagged:
        """Return the row as the API shows it, with its version."""
        return call_service(plan_service().get, row_id)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Serve the page of a plan, and before a change is saved, the page that shows whom it touches."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except NotConfirmed as edit:
            return self._preview(request, edit.plan, edit.form)

    def _preview(self, request: HttpRequest, plan: Plan, form: Any) -> HttpResponse:
        reach = Reach(plan)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Change plan “{plan}”?",
            "opts": self.opts,
            "plan": plan,
            "fields": [(name, value) for name, values in request.POST.lists() if name != REFERENCE for value in values],
            "customers": reach.customers,
            "keys": reach.keys,
            "changes": changes_of(reach, plan, rate_limits_of(plan), form.payload),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/plans/plan/preview.html", context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the plan through the service."""
        actor = acting_staff(request)
        if not change:
            obj.pk = call_service(plan_service().create, actor, form.payload).id
        elif form.payload.changed_fields:
            if CONFIRMED not in request.POST:
                raise NotConfirmed(obj, form)
            call_service(plan_service().update, actor, obj.pk, form.payload, obj.if_match)
        obj.refresh_from_db()


def rate_limits_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the plan's rate limits, the shortest period first."""
    return [RateLimit.model_validate(limit, from_attributes=True).model_dump() for limit in plan.limits.all()]

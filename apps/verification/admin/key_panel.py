"""The panel of a key's page: what a call would get now and why, and why the last calls were refused."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminIntegerFieldWidget, AdminTextInputWidget
from django.http import HttpRequest

from apps.core.admin.form_fields import LinesField
from apps.core.admin.panels import Panel, add_panel
from apps.core.admin.schema_form import SchemaForm
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.principal import Principal
from apps.core.errors import NotFound
from apps.core.event_loop import call_service
from apps.core.values.amounts import amount_text
from apps.usage.dependencies import usage_service
from apps.usage.schemas.call import Call
from apps.verification.dependencies import key_explanations
from apps.verification.schemas.explanation import CallToExplain, KeyExplanation
from apps.verification.schemas.verification import UNITS_MAXIMUM, WEIGHT_MAXIMUM
from apps.verification.services.call_search import as_shown_to
from apps.verification.services.explanation_sentences import CHECK_LABELS

REFUSALS_SHOWN = 20
NOTHING = Decimal(0)


class CallForm(SchemaForm):
    """A call to try, which is not made."""

    schema = CallToExplain
    scopes = LinesField(label="Scopes", help_text="The scopes that the call needs, one per line.")
    ip = forms.CharField(
        label="Address",
        required=False,
        max_length=100,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The client's IP address. Empty: one that the allowlist allows.",
    )
    cost = forms.CharField(
        label="Cost",
        initial="0",
        max_length=25,
        widget=AdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="In credits.",
    )
    operation = forms.CharField(
        label="Operation",
        required=False,
        max_length=100,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Instead of a cost: an operation that the plan has a price for.",
    )
    units = forms.IntegerField(
        label="Units",
        required=False,
        min_value=1,
        max_value=UNITS_MAXIMUM,
        widget=AdminIntegerFieldWidget,
        help_text="Of the operation. Empty: one.",
    )
    weight = forms.IntegerField(
        label="Weight",
        initial=1,
        min_value=1,
        max_value=WEIGHT_MAXIMUM,
        widget=AdminIntegerFieldWidget,
        help_text="What the call counts against the rate limits.",
    )

    def clean(self) -> dict[str, Any]:
        """Validate the values by the schema, which has its own value for missing units."""
        if self.cleaned_data.get("units") is None:
            self.cleaned_data.pop("units", None)
        return super().clean()

    def clean_ip(self) -> str | None:
        """Return the address, or None for none."""
        return self.cleaned_data["ip"] or None

    def clean_operation(self) -> str | None:
        """Return the operation, or None for none."""
        return self.cleaned_data["operation"] or None


def _context(request: HttpRequest, key: Any) -> Mapping[str, Any]:
    form = CallForm(request.POST if "cost" in request.POST else None, auto_id="try_%s")
    call = form.payload if form.is_bound and form.is_valid() else CallToExplain()
    is_tried = form.is_bound and not form.errors
    actor = acting_staff(request)
    explanation = _explanation(actor, key.pk, call)
    return {
        "explanation": explanation,
        "checks": [(CHECK_LABELS[check.name], check) for check in explanation.checks] if explanation else [],
        "call": call,
        "cost": amount_text(explanation.cost) if explanation and explanation.cost is not None else "unknown",
        "is_tried": is_tried,
        "form": form,
        "counts": call_service(usage_service().recent_refusals, key.pk),
        "refusals": [_shown(refused) for refused in _refusals(actor, key.pk)],
    }


def _explanation(actor: Principal, key_id: int, call: CallToExplain) -> KeyExplanation | None:
    """Return the explanation, or None for a deleted key."""
    try:
        return call_service(key_explanations().explain, actor, key_id, call)
    except NotFound:
        return None


def _refusals(actor: Principal, key_id: int) -> list[Call]:
    calls = call_service(usage_service().refused_calls_of_key, key_id, REFUSALS_SHOWN)
    return [as_shown_to(actor, call) for call in calls]


def _shown(refused: Call) -> dict[str, Any]:
    """Return a refused call, with the values of the form that tries the same call."""
    values = {
        "scopes": "\n".join(refused.scopes),
        "ip": refused.ip or "",
        "cost": f"{refused.cost or NOTHING:f}",
        "operation": refused.unknown_operation,
        "weight": str(refused.weight or 1),
    }
    return {
        "call": refused,
        "reason": refused.reason,
        "values": values,
        "cost": amount_text(refused.cost or NOTHING),
        "balance": None if refused.balance is None else amount_text(refused.balance),
    }


add_panel(
    "api_keys.ApiKey",
    Panel(name="explain", title="Try a call", template="admin/verification/key_panel.html", context=_context),
)

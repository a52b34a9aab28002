"""The forms of a key."""

from typing import ClassVar

from django import forms
from django.contrib.admin.widgets import AdminIntegerFieldWidget, AdminTextareaWidget, AdminTextInputWidget

from apps.api_keys.models import ApiKey
from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyRevoke, ApiKeyRotate, ApiKeyUpdate
from apps.core.admin.json_object_field import JsonObjectField
from apps.core.admin.lines_field import LinesField
from apps.core.admin.rate_limits_field import RATE_LIMITS_HELP, RateLimitsField
from apps.core.admin.schema_form import SchemaForm
from apps.core.admin.schema_model_form import SchemaModelForm

BUDGET_HELP = {"budget": "How many credits the key may spend in its life. Empty: all that its owner has."}
DESCRIPTION_WIDGET = AdminTextareaWidget(attrs={"rows": 3})


class KeyForm(SchemaModelForm):
    """What can be said of a key, new or not."""

    scopes = LinesField(help_text="One a line, such as reports:read; reports:* grants every scope of its area.")
    ip_allowlist = LinesField(
        label="IP allowlist", help_text="Addresses or networks, one a line, such as 192.0.2.0/24. None: from anywhere."
    )
    metadata = JsonObjectField(help_text="A JSON object that verification hands to the service that asks.")
    rate_limits = RateLimitsField(
        help_text=f"{RATE_LIMITS_HELP} One takes the place of the plan's window of the same name, or joins the plan's."
    )


class KeyAddForm(KeyForm):
    """Makes a key for a user."""

    schema = ApiKeyCreate

    class Meta:
        model = ApiKey
        fields: ClassVar = ["user", "name", "description", "environment", "expires_at", "budget"]
        labels: ClassVar = {"user": "Owner"}
        help_texts: ClassVar = BUDGET_HELP
        widgets: ClassVar = {"description": DESCRIPTION_WIDGET}


class KeyChangeForm(KeyForm):
    """Changes a key."""

    schema = ApiKeyUpdate

    class Meta:
        model = ApiKey
        fields: ClassVar = ["name", "description", "expires_at", "is_active", "budget"]
        help_texts: ClassVar = BUDGET_HELP
        widgets: ClassVar = {"description": DESCRIPTION_WIDGET}


class RevokeForm(SchemaForm):
    """Why a key is revoked."""

    schema = ApiKeyRevoke
    reason = forms.CharField(
        required=False,
        max_length=200,
        widget=AdminTextInputWidget(attrs={"autofocus": True}),
        help_text="Shown to the owner.",
    )


class RotateForm(SchemaForm):
    """How long the old secret goes on working."""

    schema = ApiKeyRotate
    grace_seconds = forms.IntegerField(
        label="Grace in seconds",
        initial=0,
        widget=AdminIntegerFieldWidget(attrs={"autofocus": True}),
        help_text="How long the old secret works beside the new one: 0 ends it now, 86400 in a day, at most 90 days.",
    )

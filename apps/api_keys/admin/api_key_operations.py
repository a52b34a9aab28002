"""The forms and operations of API keys."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import (
    AdminIntegerFieldWidget,
    AdminRadioSelect,
    AdminTextareaWidget,
)

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey
from apps.api_keys.schemas.api_key import (
    GRACE_SECONDS_MAXIMUM,
    ApiKeyCreate,
    ApiKeyOut,
    ApiKeyRevoke,
    ApiKeyRotate,
    ApiKeyUpdate,
    ApiKeyWithSecret,
)
from apps.core.admin.form_fields import RATE_LIMITS_HELP, JsonObjectField, LinesField, RateLimitsField
from apps.core.admin.operation import Operation, deletion
from apps.core.admin.schema_form import ReasonedModelForm, ReasonForm, customer_message_field
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service

HOUR, DAY, OTHER = 3600, 24 * 3600, "other"
GRACE_PERIODS = [
    (0, "no longer: it stops now"),
    (HOUR, "for 1 more hour"),
    (DAY, "for 1 more day"),
    (7 * DAY, "for 7 more days"),
    (OTHER, "for another period"),
]
BUDGET_HELP = {"budget": "The number of credits that the key can spend in total. Empty: all credits of its owner."}
DESCRIPTION_WIDGET = AdminTextareaWidget(attrs={"rows": 3})


class KeyForm(ReasonedModelForm):
    """The fields of a key, new or not."""

    scopes = LinesField(
        help_text="One per line, such as reports:read. A wildcard such as reports:* grants every scope of an area."
    )
    ip_allowlist = LinesField(
        label="IP allowlist",
        help_text="Addresses or networks, one per line, such as 192.0.2.0/24. Empty: every address.",
    )
    metadata = JsonObjectField(help_text="A JSON object that verification returns.")
    rate_limits = RateLimitsField(
        help_text=f"{RATE_LIMITS_HELP} Each replaces the plan's rate limit of the same name, or is added to the plan's."
    )


class KeyAddForm(KeyForm):
    """Creates a key for a user."""

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


class RevokeForm(ReasonForm):
    """Why a key is revoked, and what its owner is told."""

    schema = ApiKeyRevoke
    message = customer_message_field("Shown to the owner with the key.")
    keep_created_keys = forms.BooleanField(
        label="Keep the keys that it has created",
        required=False,
        help_text="Otherwise they are revoked too.",
    )


class RotateForm(ReasonForm):
    """The grace period of a rotation: one of those that are offered, or another number of hours."""

    schema = ApiKeyRotate
    one_time_key: str
    grace_seconds = forms.ChoiceField(
        label="The old secret works",
        choices=GRACE_PERIODS,
        initial=DAY,
        widget=AdminRadioSelect(attrs={"class": "radiolist"}),
        help_text="The new secret works at once. Leave its owner the time to replace the old one.",
    )
    other_hours = forms.IntegerField(
        label="Other period, in hours",
        required=False,
        min_value=0,
        max_value=GRACE_SECONDS_MAXIMUM // HOUR,
        widget=AdminIntegerFieldWidget,
        help_text="Up to 90 days, which are 2160 hours.",
    )
    message = customer_message_field("The owner reads it in the mail about the new secret.")

    def clean(self) -> dict[str, Any]:
        """Validate the period by the schema, in seconds."""
        hours, chosen = self.cleaned_data.pop("other_hours", None), self.cleaned_data.get("grace_seconds", "")
        if chosen == OTHER and hours is None and "other_hours" not in self.errors:
            self.add_error("other_hours", "Enter the number of hours.")
        if not self.errors:
            self.cleaned_data["grace_seconds"] = hours * HOUR if chosen == OTHER else int(chosen)
            return super().clean()
        return self.cleaned_data


def _revoke(actor: Principal, key_id: int, form: Any) -> ApiKeyOut:
    return call_service(api_key_service().revoke, actor, key_id, form.payload)


def _rotate(actor: Principal, key_id: int, form: Any) -> ApiKeyWithSecret:
    rotation, once = form.payload, form.one_time_key
    return call_service(api_key_service().rotate, actor, key_id, rotation.grace_seconds, once, message=rotation.message)


def _is_not_revoked(key: ApiKey) -> bool:
    return key.revoked_at is None and key.deleted_at is None


ROTATE = Operation(
    name="rotate",
    label="Rotate",
    title="Rotate the secret of {rows}",
    done="Secret of {rows} rotated",
    explanation="The new secret is shown only once, on the next page. The key keeps its id, limits and history.",
    perform=_rotate,
    form_class=RotateForm,
    in_bulk=False,
    applies=_is_not_revoked,
)
REVOKE = Operation(
    name="revoke",
    label="Revoke",
    title="Revoke {rows}",
    done="{rows} revoked",
    explanation="Verifications that begin afterwards return DISABLED. This cannot be undone.",
    perform=_revoke,
    form_class=RevokeForm,
    applies=_is_not_revoked,
    is_dangerous=True,
)
DELETE = deletion(api_key_service, "The key stops working at once; its history stays. This cannot be undone.")

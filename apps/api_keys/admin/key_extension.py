"""The operation that extends the expiry of keys."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminRadioSelect

from apps.api_keys.dependencies import key_extension
from apps.api_keys.models import ApiKey
from apps.api_keys.schemas.api_key import ApiKeyExtend, ApiKeyOut
from apps.core.admin.operation import Operation
from apps.core.admin.schema_form import ReasonForm
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service


class ExtendForm(ReasonForm):
    """By how long keys are extended, and why."""

    schema = ApiKeyExtend
    one_time_key: str
    days = forms.TypedChoiceField(
        label="Extend by",
        choices=[(30, "30 days"), (90, "90 days")],
        coerce=int,
        initial=30,
        widget=AdminRadioSelect(attrs={"class": "radiolist"}),
        help_text="From the end of the key or, if it has expired, from now.",
    )


def _extend(actor: Principal, key_id: int, form: Any) -> ApiKeyOut:
    once = f"{form.one_time_key}-{key_id}"  # several keys may be extended by one form
    return call_service(key_extension().extend, actor, key_id, form.payload, once)


def _expires(key: ApiKey) -> bool:
    return key.expires_at is not None and key.revoked_at is None and key.deleted_at is None


EXTEND = Operation(
    name="extend",
    label="Extend",
    title="Extend the expiry of {rows}",
    done="{rows} extended",
    explanation="The key can be used until its new end. Its owner gets a message.",
    perform=_extend,
    form_class=ExtendForm,
    applies=_expires,
)

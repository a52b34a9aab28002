"""What can be done to keys from the admin."""

from typing import Any

from apps.api_keys.admin.key_forms import RevokeForm, RotateForm
from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey
from apps.api_keys.schemas.api_key import ApiKeyOut, ApiKeyWithSecret
from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service


def _revoke(actor: Principal, key_id: int, form: Any) -> ApiKeyOut:
    return call_service(api_key_service().revoke, actor, key_id, form.payload.reason)


def _rotate(actor: Principal, key_id: int, form: Any) -> ApiKeyWithSecret:
    return call_service(api_key_service().rotate, actor, key_id, form.payload.grace_seconds)


def _delete(actor: Principal, key_id: int, _form: Any) -> None:
    call_service(api_key_service().delete, actor, key_id)


def _is_not_revoked(key: ApiKey) -> bool:
    return key.revoked_at is None


ROTATE = Operation(
    name="rotate",
    label="Rotate",
    order="Rotate the secret of {rows}",
    done="Secret of {rows} rotated",
    explanation="The key gets a new secret, shown once on the next page. It keeps its id, limits and history.",
    perform=_rotate,
    form_class=RotateForm,
    in_bulk=False,
    applies=_is_not_revoked,
)
REVOKE = Operation(
    name="revoke",
    label="Revoke",
    order="Revoke {rows}",
    done="{rows} revoked",
    explanation="Every verification that begins after this is answered DISABLED. This cannot be undone.",
    perform=_revoke,
    form_class=RevokeForm,
    applies=_is_not_revoked,
    is_dangerous=True,
)
DELETE = Operation(
    name="delete",
    label="Delete",
    order="Delete {rows}",
    done="{rows} deleted",
    explanation="The key stops at once and is not found again; its history stays. This cannot be undone.",
    perform=_delete,
    permission="delete",
    is_dangerous=True,
)

"""What can be done from the admin for somebody who has lost their second factors."""

from typing import Any

from django.forms import Form

from apps.core.admin.added_operations import add_operation
from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.second_factors.dependencies import second_factors


def _reset(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(second_factors().reset, actor, user_id)


def _has_factors(user: Any) -> bool:
    return user.deleted_at is None and bool(call_service(second_factors().kinds_of, user.pk))


RESET = Operation(
    name="reset_second_factors",
    label="Remove second factors",
    order="Remove the second factors of {rows}",
    done="Second factors of {rows} removed",
    explanation=(
        "The authenticator program, the passkeys and the recovery codes of the account are removed, and its sessions "
        "end: whoever knows its password can sign in. Be sure that it is the owner who asks; they are told by mail."
    ),
    perform=_reset,
    permission="superuser",
    applies=_has_factors,
    in_bulk=False,
    is_dangerous=True,
)
add_operation("users.User", RESET)

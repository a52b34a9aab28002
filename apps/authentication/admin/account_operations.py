"""What can be done to the credentials of an account from its page."""

from typing import Any

from django.forms import Form

from apps.authentication.dependencies import password_reset
from apps.core.admin.added_operations import add_operation
from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service


def _send_reset(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(password_reset().send, actor, user_id)


def _is_usable(user: Any) -> bool:
    return user.is_active and user.deleted_at is None


SEND_RESET = Operation(
    name="send-password-reset",
    label="Send a password reset mail",
    order="Send a password reset mail to {rows}",
    done="Password reset mail sent to {rows}",
    explanation="The owner receives a mail with a link that sets a new password. It is valid for 30 minutes.",
    perform=_send_reset,
    applies=_is_usable,
)
add_operation("users.User", SEND_RESET)

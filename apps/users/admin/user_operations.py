"""What can be done to accounts from the admin."""

from django.forms import Form

from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.users.dependencies import account_removal, account_update
from apps.users.models import User
from apps.users.schemas.user import UserUpdate


def _activate(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(account_update().update, actor, user_id, UserUpdate(is_active=True))


def _deactivate(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(account_update().update, actor, user_id, UserUpdate(is_active=False))


def _delete(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(account_removal().delete, actor, user_id)


def _is_active(user: User) -> bool:
    return user.is_active


def _is_inactive(user: User) -> bool:
    return not user.is_active


def _restore(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(account_removal().restore, actor, user_id)


def _is_restorable(user: User) -> bool:
    return user.deleted_at is not None and user.erased_at is None


ACTIVATE = Operation(
    name="activate",
    label="Activate",
    order="Activate {rows}",
    done="{rows} activated",
    explanation="The account can sign in again, and its API keys work again.",
    perform=_activate,
    applies=_is_inactive,
)
DEACTIVATE = Operation(
    name="deactivate",
    label="Deactivate",
    order="Deactivate {rows}",
    done="{rows} deactivated",
    explanation="The account can no longer sign in, and its API keys are refused at once. It can be activated again.",
    perform=_deactivate,
    applies=_is_active,
    is_dangerous=True,
)
DELETE = Operation(
    name="delete",
    label="Delete",
    order="Delete {rows}",
    done="{rows} deleted",
    explanation="All credentials of the account stop at once. It can be restored for a while, then whose it was is "
    "erased; its history stays.",
    perform=_delete,
    permission="delete",
    is_dangerous=True,
)
RESTORE = Operation(
    name="restore",
    label="Restore",
    order="Restore {rows}",
    done="{rows} restored",
    explanation="The account can sign in again, and its API keys work again; its sessions do not.",
    perform=_restore,
    permission="restore",
    applies=_is_restorable,
)

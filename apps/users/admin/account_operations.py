"""Operations on accounts: change of plan, suspending, reactivating, deleting and restoring."""

from typing import Any

from django import forms

from apps.core.admin.operation import Operation, deletion, is_not_deleted
from apps.core.admin.schema_form import ReasonForm, customer_message_field
from apps.core.authorization.catalogue import CUSTOMERS_SUSPEND, CUSTOMERS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.users.dependencies import account_removal, account_update
from apps.users.models import User
from apps.users.schemas.user import OwnerMessage, UserDelete, UserUpdate

MAILED = "The owner reads it in a mail. Without a message, no mail is sent."


def _plan_choices() -> list[tuple[str, str]]:
    plans = User.plan.field.related_model._default_manager.order_by("name")
    return [("", "Choose a plan"), *((name, name) for name in plans.values_list("name", flat=True))]


class PlanForm(ReasonForm):
    """The new plan of an account, why it is changed, and what the owner is told."""

    schema = UserUpdate
    plan = forms.ChoiceField(label="New plan", choices=_plan_choices)
    message = customer_message_field(MAILED)


class ActivityForm(ReasonForm):
    """Why an account is suspended or reactivated, and what its owner is told."""

    schema = OwnerMessage
    message = customer_message_field(MAILED)


def _change_plan(actor: Principal, user_id: int, form: Any) -> None:
    call_service(account_update().update, actor, user_id, form.payload)


def _set_active(actor: Principal, user_id: int, form: Any, *, is_active: bool) -> None:
    update = UserUpdate(is_active=is_active, message=form.payload.message)
    call_service(account_update().update, actor, user_id, update)


def _restore(actor: Principal, user_id: int, _form: forms.Form) -> None:
    call_service(account_removal().restore, actor, user_id)


def _is_restorable(user: User) -> bool:
    return user.deleted_at is not None and user.erased_at is None


ACTIVATE = Operation(
    name="activate",
    label="Reactivate",
    title="Reactivate {rows}",
    done="{rows} reactivated",
    explanation="The user can sign in again, and the API keys of the account are valid again.",
    perform=lambda actor, user_id, form: _set_active(actor, user_id, form, is_active=True),
    scopes=(CUSTOMERS_SUSPEND,),
    form_class=ActivityForm,
    applies=lambda user: not user.is_active and is_not_deleted(user),
)
DEACTIVATE = Operation(
    name="deactivate",
    label="Suspend",
    title="Suspend {rows}",
    done="{rows} suspended",
    explanation="The user is signed out and cannot sign in, and the API keys of the account are refused immediately. "
    "The account can be reactivated.",
    perform=lambda actor, user_id, form: _set_active(actor, user_id, form, is_active=False),
    scopes=(CUSTOMERS_SUSPEND,),
    form_class=ActivityForm,
    applies=lambda user: user.is_active and is_not_deleted(user),
    is_dangerous=True,
)


class AccountDeletionForm(ReasonForm):
    """Why the account is deleted, and what its owner is told."""

    schema = UserDelete
    message = customer_message_field("The owner reads it in the mail about the deletion.")


def _delete(actor: Principal, user_id: int, form: Any) -> None:
    call_service(account_removal().delete, actor, user_id, message=form.payload.message)


DELETE = deletion(
    account_removal,
    "All credentials of the account are refused immediately. The account can be restored during the grace "
    "period. Afterwards its personal data is erased; its ledger and audit trail stay.",
    form_class=AccountDeletionForm,
    perform=_delete,
)
RESTORE = Operation(
    name="restore",
    label="Restore",
    title="Restore {rows}",
    done="{rows} restored",
    explanation="The user can sign in again, and the API keys of the account are valid again. Sessions stay ended.",
    perform=_restore,
    scopes=(CUSTOMERS_WRITE,),
    applies=_is_restorable,
)
CHANGE_PLAN = Operation(
    name="change_plan",
    label="Change plan",
    title="Change the plan of {rows}",
    done="The plan of {rows} changed",
    explanation="The rate limits of the new plan hold from the next call on, where a key has none of its own. "
    "Keys that exist stay, even if the new plan allows fewer.",
    perform=_change_plan,
    scopes=(CUSTOMERS_WRITE,),
    form_class=PlanForm,
    applies=is_not_deleted,
)

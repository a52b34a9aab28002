"""What can be done to plans from the admin."""

from django.forms import Form

from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.plans.dependencies import plan_service


def _delete(actor: Principal, plan_id: int, _form: Form) -> None:
    call_service(plan_service().delete, actor, plan_id)


DELETE = Operation(
    name="delete",
    label="Delete",
    order="Delete {rows}",
    done="{rows} deleted",
    explanation="The plan and its windows are gone for ever. A plan that accounts are on is not deleted.",
    perform=_delete,
    permission="delete",
    is_dangerous=True,
)

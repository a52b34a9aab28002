"""What can be done to roles from the admin."""

from django.forms import Form

from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.users.dependencies import role_service


def _delete(actor: Principal, role_id: int, _form: Form) -> None:
    call_service(role_service().delete, actor, role_id)


DELETE = Operation(
    name="delete",
    label="Delete",
    order="Delete {rows}",
    done="{rows} deleted",
    explanation="The role is gone for ever. A role that accounts have is not deleted.",
    perform=_delete,
    permission="delete",
    is_dangerous=True,
)

"""What can be done to identities from the admin."""

from django.forms import Form

from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.identities.dependencies import identity_service


def _unlink(actor: Principal, identity_id: int, _form: Form) -> None:
    call_service(identity_service().unlink_as_staff, actor, identity_id)


UNLINK = Operation(
    name="unlink",
    label="Unlink",
    order="Unlink {rows}",
    done="{rows} unlinked",
    explanation="The account can no longer be signed in to with it, and its owner is told by mail. Sessions go on.",
    perform=_unlink,
    permission="delete",
    is_dangerous=True,
)

"""What can be done to sessions from the admin."""

from typing import Any

from django.forms import Form

from apps.authentication.admin.session_state import LIVE
from apps.authentication.dependencies import account_sessions
from apps.authentication.models import Session
from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service


def _end(actor: Principal, session_id: int, _form: Form) -> None:
    call_service(account_sessions().end, actor, _owner_id(session_id), session_id)


def _end_everywhere(actor: Principal, session_id: int, _form: Form) -> None:
    call_service(account_sessions().end_all, actor, _owner_id(session_id))


def _owner_id(session_id: int) -> int:
    return Session.objects.values_list("user_id", flat=True).get(pk=session_id)


def _is_live(session: Any) -> bool:
    return bool(session.state == LIVE)


END = Operation(
    name="end",
    label="End",
    order="End {rows}",
    done="{rows} ended",
    explanation="It is refused from its next request on, and its owner has to sign in again.",
    perform=_end,
    permission="operate",
    applies=_is_live,
    is_dangerous=True,
)
END_EVERYWHERE = Operation(
    name="end_everywhere",
    label="End all of the owner",
    order="End all sessions of {owner}",
    done="All sessions of {owner} ended",
    explanation="Every session of its owner, of the API and of the admin, is refused from its next request on.",
    perform=_end_everywhere,
    permission="operate",
    in_bulk=False,
    applies=_is_live,
    is_dangerous=True,
)

"""Operations on accounts: unlocking, ending all sessions, and sending the link that verifies the address."""

from typing import Any

from apps.authentication.dependencies import account_sessions, lockouts
from apps.authentication.schemas.lockout import UnlockedOut
from apps.core.admin.operation import Operation, add_operation, is_not_deleted
from apps.core.authorization.catalogue import SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.users.dependencies import email_verification


def _unlock(actor: Principal, user_id: int, _form: Any) -> UnlockedOut:
    return call_service(lockouts().unlock, actor, user_id)


def _end_sessions(actor: Principal, user_id: int, _form: Any) -> None:
    call_service(account_sessions().end_all, actor, user_id)


def _send_verification(actor: Principal, user_id: int, _form: Any) -> None:
    call_service(email_verification().send, actor, user_id)


def _is_unverified(account: Any) -> bool:
    return account.email_verified_at is None and is_not_deleted(account)


UNLOCK = Operation(
    name="unlock",
    label="Unlock",
    title="Unlock {rows}",
    done="{rows} unlocked",
    explanation="The owner can sign in again at once, from every address. The counts of wrong passwords and codes that "
    "have caused the lockouts start again. Make sure first that the owner has asked for it.",
    perform=_unlock,
    scopes=(SECURITY_WRITE,),
    tab="security",
    applies=is_not_deleted,
)
END_ALL_SESSIONS = Operation(
    name="end_all_sessions",
    label="End all sessions",
    title="End all sessions of {rows}",
    done="All sessions of {rows} ended",
    explanation="Every session, of the API and of the admin, is refused from its next request on. API keys still work.",
    perform=_end_sessions,
    scopes=(SECURITY_WRITE,),
    tab="security",
    applies=is_not_deleted,
    is_dangerous=True,
)
SEND_VERIFICATION = Operation(
    name="send_verification",
    label="Send the link again",
    title="Send {rows} the link that verifies the address",
    done="Link sent to {rows}",
    explanation="The owner receives a message with a link, which verifies the address together with the password.",
    perform=_send_verification,
    scopes=(SECURITY_WRITE,),
    tab="security",
    applies=_is_unverified,
)
add_operation("users.User", UNLOCK)
add_operation("users.User", SEND_VERIFICATION)
add_operation("users.User", END_ALL_SESSIONS)

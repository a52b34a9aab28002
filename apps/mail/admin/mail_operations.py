"""What can be done to letters from the admin."""

from django.forms import Form

from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.mail.dependencies import mail_service
from apps.mail.models import OutgoingMail


def _was_given_up(mail: OutgoingMail) -> bool:
    return mail.failed_at is not None and mail.context_encrypted is not None


def _send_again(actor: Principal, mail_id: int, _form: Form) -> None:
    call_service(mail_service().send_again, actor, mail_id)


SEND_AGAIN = Operation(
    name="send_again",
    label="Send again",
    order="Send {rows} again",
    done="{rows} sent again",
    explanation="The letter is tried again at once, and from then on like any other, until what it leads to expires.",
    perform=_send_again,
    permission="operate",
    applies=_was_given_up,
)

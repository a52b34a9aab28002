"""Letters are posted with the transaction that asks for them, and once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from apps.core.errors import ValidationFailed
from apps.mail.dependencies import mail_service
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from tests.support.mailbox import letters_to

pytestmark = pytest.mark.usefixtures("database")

TOKEN = "https://app.example.com/account/verify#token=single-use-secret"


def letter(recipient: str = "me@example.com", key: str = "verify:1") -> MailMessage:
    return MailMessage("test_mail", recipient, key, 7, {"link": TOKEN})


def post(posted: MailMessage) -> None:
    with transaction.atomic():
        mail_service().post(posted)


def test_a_letter_waits_with_what_it_says():
    post(letter())
    (waiting,) = letters_to("me@example.com")
    assert (waiting.kind, waiting.context) == ("test_mail", {"link": TOKEN})
    mail = OutgoingMail.objects.get()
    assert (mail.key, mail.user_id, mail.attempts, mail.error) == ("verify:1", 7, 0, "")
    assert (mail.sent_at, mail.failed_at) == (None, None)
    assert mail.expires_at - mail.created_at == timedelta(days=1)


def test_no_token_is_stored_in_clear():
    post(letter())
    with connection.cursor() as cursor:
        cursor.execute("SELECT outgoing_mails::text, convert_from(context_encrypted, 'UTF8') FROM outgoing_mails")
        row = cursor.fetchone()
    assert row is not None
    assert "single-use" not in f"{row}"


def test_the_same_key_posts_once():
    post(letter())
    post(MailMessage("test_mail", "you@example.com", "verify:1", None, {}))
    assert [mail.recipient for mail in OutgoingMail.objects.all()] == ["me@example.com"]


def test_the_same_key_posts_once_for_all_workers():
    barrier = Barrier(8)

    def act(_number: int) -> None:
        try:
            with transaction.atomic():
                barrier.wait()
                mail_service().post(letter())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(act, range(8)))
    assert OutgoingMail.objects.count() == 1


def test_a_transaction_that_fails_posts_nothing():
    with transaction.atomic():
        mail_service().post(letter())
        transaction.set_rollback(True)
    assert not OutgoingMail.objects.exists()
    post(letter())
    assert OutgoingMail.objects.count() == 1


@pytest.mark.parametrize(
    "recipient",
    ["", "me", "me@", "me@example.com\nBcc: all@example.com", "me@example.com\r\n", "a@example.com,b@example.com"],
)
def test_who_is_no_address_gets_nothing(recipient):
    with pytest.raises(ValidationFailed):
        post(letter(recipient))
    assert not OutgoingMail.objects.exists()

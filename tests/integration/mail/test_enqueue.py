"""Messages are enqueued with the transaction that needs them, and once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.core.database.open_transaction import NoTransaction
from apps.core.database.pool import close_pools
from apps.core.database.transaction import transaction
from apps.core.errors import ValidationFailed
from apps.core.event_loop import call_service
from apps.mail.dependencies import message_queue
from apps.mail.domain.message import MailMessage, MessageAllowance
from apps.mail.models import OutgoingMail
from tests.support.mailbox import age_messages, letters_to
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

TOKEN = "https://app.example.com/account/verify#token=single-use-secret"


def message(recipient: str = "me@example.com", key: str = "verify:1", user_id: int | None = 7) -> MailMessage:
    return MailMessage("test_mail", recipient, key, user_id, {"link": TOKEN})


async def enqueue(*messages: MailMessage) -> None:
    async with transaction():
        for each in messages:
            await message_queue().enqueue(each)


def test_an_enqueued_message_keeps_its_context():
    call_service(enqueue, message())
    (waiting,) = letters_to("me@example.com")
    assert (waiting.kind, waiting.context) == ("test_mail", {"link": TOKEN})
    mail = OutgoingMail.objects.get()
    assert (mail.key, mail.user_id, mail.attempts, mail.error) == ("verify:1", 7, 0, "")
    assert (mail.sent_at, mail.failed_at) == (None, None)
    assert mail.expires_at - mail.created_at == timedelta(days=1)


def test_no_token_is_stored_in_clear():
    call_service(enqueue, message())
    with connection.cursor() as cursor:
        cursor.execute("SELECT outgoing_mails::text, convert_from(context_encrypted, 'UTF8') FROM outgoing_mails")
        row = cursor.fetchone()
    assert row is not None
    assert "single-use" not in f"{row}"


async def test_a_key_is_enqueued_once():
    await enqueue(message())
    await enqueue(MailMessage("test_mail", "you@example.com", "verify:1", None, {}))
    assert [mail.recipient for mail in await rows(OutgoingMail.objects.all())] == ["me@example.com"]


def test_concurrent_workers_enqueue_a_key_once():
    barrier = Barrier(8)

    async def work() -> None:
        async with transaction():
            barrier.wait()
            await message_queue().enqueue(message())
        await close_pools()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: asyncio.run(work()), range(8)))
    assert OutgoingMail.objects.count() == 1


async def test_a_rolled_back_transaction_enqueues_nothing():
    async def enqueue_and_fail() -> None:
        async with transaction():
            await message_queue().enqueue(message())
            raise LookupError

    with pytest.raises(LookupError):
        await enqueue_and_fail()
    assert await rows(OutgoingMail.objects.all()) == []
    await enqueue(message())
    assert len(await rows(OutgoingMail.objects.all())) == 1


async def test_a_message_is_enqueued_inside_a_transaction_only():
    with pytest.raises(NoTransaction):
        await message_queue().enqueue(message())


@pytest.mark.parametrize(
    "recipient",
    ["", "me", "me@", "me@example.com\nBcc: all@example.com", "me@example.com\r\n", "a@example.com,b@example.com"],
)
async def test_a_malformed_recipient_is_rejected(recipient):
    with pytest.raises(ValidationFailed):
        await enqueue(message(recipient))
    assert await rows(OutgoingMail.objects.all()) == []


@pytest.mark.parametrize("of_address", [True, False])
async def test_an_account_or_an_address_may_get_only_so_many_messages(of_address):
    allowance = MessageAllowance(maximum=2, seconds=60)

    async def seconds_until_allowed(*kinds: str) -> int:
        async with transaction():
            if of_address:
                return await message_queue().wait_seconds_for_address("ME@example.com", kinds, allowance)
            return await message_queue().wait_seconds_for_account(7, kinds, allowance)

    await enqueue(message(), message("you@example.com", "verify:2", user_id=8))
    assert await seconds_until_allowed("test_mail") == 0
    await make(age_messages, 30)
    await enqueue(message(key="verify:3"))
    assert 25 <= await seconds_until_allowed("test_mail") <= 30
    assert await seconds_until_allowed("other") == 0
    await make(age_messages, 31)
    assert await seconds_until_allowed("test_mail") == 0

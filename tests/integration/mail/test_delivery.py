"""Messages on their way through a real mail server."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db.models import F

from apps.core.database.pool import close_pools
from apps.mail.dependencies import mail_delivery
from apps.mail.models import OutgoingMail
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.delivery import LEASE_SECONDS, Delivery
from tests.integration.mail.conftest import TOKEN
from tests.support.mail_server import mail_server, self_signed_tls
from tests.support.orm import make, rows
from tests.support.server import free_port

pytestmark = pytest.mark.integration


async def test_a_message_is_delivered_once(enqueue, deliver, inbox):
    await enqueue()
    mail = await deliver()
    assert (mail.attempts, mail.error, mail.failed_at) == (1, "", None)
    assert mail.sent_at is not None
    assert mail.context_encrypted is None
    await deliver()
    (message,) = inbox.messages
    assert inbox.recipients == ["ann@example.com"]
    assert (message["From"], message["To"]) == ("Keyhouse <no-reply@localhost>", "ann@example.com")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Keyhouse can send mail", "auto-generated")
    assert message["Message-ID"] == f"<{mail.created_at:%Y%m%d%H%M%S%f}.{mail.pk}@localhost>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in message.iter_parts())
    assert "An operator of Keyhouse sent this message" in text
    assert "<h1" in html


async def test_a_server_without_tls_gets_nothing_when_tls_is_required(enqueue, deliver, inbox, use_mailer):
    use_mailer(f"smtp://127.0.0.1:{inbox.port}")
    await enqueue()
    mail = await deliver()
    assert (mail.error, mail.sent_at, mail.failed_at) == ("SMTPNotSupportedError", None, None)
    assert inbox.messages == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_with_an_untrusted_certificate_gets_nothing(
    enqueue, deliver, use_mailer, tmp_path, scheme, monkeypatch
):
    context, certificate = self_signed_tls(tmp_path)
    options = {"tls_context": context, "require_starttls": True} if scheme == "smtp" else {"ssl_context": context}
    with mail_server(**options) as inbox:
        use_mailer(f"{scheme}://127.0.0.1:{inbox.port}")
        await enqueue()
        mail = await deliver()
        assert (mail.error, mail.sent_at, mail.failed_at) == ("SSLCertVerificationError", None, None)
        assert inbox.messages == []

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (await deliver()).sent_at is not None
        assert len(inbox.messages) == 1


async def test_a_message_is_sent_once_the_server_is_available(enqueue, deliver, use_mailer):
    port = free_port()
    use_mailer(f"smtp://127.0.0.1:{port}?starttls=false")
    await enqueue()
    for attempts, wait_seconds in ((1, 10), (2, 20), (3, 40)):
        mail = await deliver()
        assert (mail.attempts, mail.error, mail.sent_at) == (attempts, "ConnectionRefusedError", None)
        assert await seconds_until_due() == pytest.approx(wait_seconds, abs=5)
        assert await mail_delivery().run() is False
    with mail_server(port) as inbox:
        mail = await deliver()
    assert (mail.attempts, mail.error, mail.sent_at is not None) == (4, "", True)
    assert len(inbox.messages) == 1


async def test_a_permanently_refused_recipient_fails(enqueue, deliver, inbox):
    inbox.replies = ["550 no such user ann@example.com"]
    await enqueue()
    mail = await deliver()
    assert (mail.error, mail.sent_at, mail.attempts) == ("SMTPRecipientsRefused", None, 1)
    assert mail.failed_at is not None
    assert (await deliver()).attempts == 1
    assert inbox.messages == []


async def test_a_temporarily_refused_recipient_is_tried_again(enqueue, deliver, inbox):
    inbox.replies = ["451 try again later"]
    await enqueue()
    assert (await deliver()).failed_at is None
    assert (await deliver()).sent_at is not None
    assert len(inbox.messages) == 1


async def test_refused_content_fails(enqueue, deliver, inbox):
    inbox.data_reply = "554 looks like spam"
    await enqueue()
    mail = await deliver()
    assert (mail.error, mail.failed_at is not None) == ("SMTPDataError", True)


async def test_an_accepted_message_is_sent_however_the_connection_ends(enqueue, deliver, inbox, settings):
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = 0.5
    inbox.quit_delay_seconds = 1
    await enqueue()
    assert (await deliver()).sent_at is not None
    assert len(inbox.messages) == 1


async def test_neither_address_nor_token_is_logged(enqueue, deliver, inbox, caplog):
    caplog.set_level(logging.DEBUG)
    inbox.replies = ["550 no such user ann@example.com"]
    await enqueue()
    mail = await deliver()
    logged = "\n".join(f"{line.getMessage()} {line.exc_text}" for line in caplog.records if line.name != "mail.log")
    assert f"message {mail.pk} (test_mail), attempt 1: SMTPRecipientsRefused" in logged
    assert "ann@example.com" not in logged
    assert TOKEN not in logged


async def test_an_expired_message_is_not_sent(enqueue, deliver, inbox):
    await enqueue(lifetime_seconds=0)
    mail = await deliver()
    assert (mail.error, mail.attempts, mail.sent_at, mail.context_encrypted) == ("Expired", 0, None, None)
    assert mail.failed_at is not None
    assert inbox.messages == []


async def test_a_message_under_another_secret_key_fails(enqueue, deliver, inbox, settings):
    await enqueue()
    settings.SECRET_KEY = "another secret key, as after a change" * 2
    mail = await deliver()
    assert (mail.error, mail.failed_at is not None) == ("UnreadableMessage", True)
    assert inbox.messages == []


async def test_a_message_that_a_killed_worker_had_claimed_is_sent(enqueue, deliver, inbox):
    await enqueue()
    (claimed,) = await OutgoingMailRepository().claim(4, LEASE_SECONDS)
    assert await mail_delivery().run() is False
    assert inbox.messages == []
    assert await seconds_until_due() == pytest.approx(LEASE_SECONDS, abs=5)
    mail = await deliver()
    assert (mail.sent_at is not None, mail.attempts) == (True, 2)
    # The first worker was only slow: its outcome comes too late to matter.
    await OutgoingMailRepository().record_failure(claimed, "TimeoutError", wait_seconds=0, is_final=True)
    assert (await deliver()).error == ""
    assert len(inbox.messages) == 1


async def test_a_message_that_is_sent_twice_keeps_its_message_id(enqueue, deliver, inbox):
    await enqueue()
    await deliver()
    await make(OutgoingMail.objects.update, sent_at=None, context_encrypted=await _sealed_again(enqueue))
    await make(OutgoingMail.objects.exclude(key="test:1").delete)
    await deliver()
    first, second = inbox.messages
    assert first["Message-ID"] == second["Message-ID"]


async def _sealed_again(enqueue) -> bytes:
    await enqueue(key="test:2")
    (other,) = await rows(OutgoingMail.objects.filter(key="test:2"))
    assert other.context_encrypted is not None
    return bytes(other.context_encrypted)


async def test_concurrent_workers_send_each_message_once(enqueue, inbox):
    for number in range(20):
        await enqueue(f"user{number}@example.com", f"test:{number}")
    barrier = Barrier(4)

    def work(_number: int) -> None:
        barrier.wait()
        asyncio.run(until_done())

    with ThreadPoolExecutor(4) as threads:
        await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(threads, work, n) for n in range(4)))
    assert sorted(inbox.recipients) == sorted(f"user{number}@example.com" for number in range(20))
    assert not await rows(OutgoingMail.objects.filter(sent_at=None))
    assert not await rows(OutgoingMail.objects.exclude(attempts=1))


async def until_done() -> None:
    delivery: Delivery = mail_delivery()
    try:
        while await delivery.run():
            pass
    finally:
        await close_pools()


async def seconds_until_due() -> float:
    """Return how long after its creation the only message is due, by the database's clock."""
    (mail,) = await rows(OutgoingMail.objects.annotate(wait=F("due_at") - F("created_at")))
    wait: timedelta = vars(mail)["wait"]
    return wait.total_seconds()

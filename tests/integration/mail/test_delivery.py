"""Letters on their way through a real mail server."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db.models import F

from apps.core.database.pool import close_pools
from apps.mail.dependencies import mail_delivery, outgoing_mail_repository
from apps.mail.models import OutgoingMail
from apps.mail.services.delivery import LEASE_SECONDS, Delivery
from tests.integration.mail.conftest import TOKEN
from tests.support.mail_server import mail_server, self_signed_tls
from tests.support.orm import make, rows
from tests.support.server import free_port

pytestmark = pytest.mark.integration


async def test_a_letter_is_delivered_once(post, deliver, inbox):
    await post()
    mail = await deliver()
    assert (mail.attempts, mail.error, mail.failed_at) == (1, "", None)
    assert mail.sent_at is not None
    assert mail.context_encrypted is None
    await deliver()
    (letter,) = inbox.messages
    assert inbox.recipients == ["ann@example.com"]
    assert (letter["From"], letter["To"]) == ("Keyhouse <no-reply@localhost>", "ann@example.com")
    assert (letter["Subject"], letter["Auto-Submitted"]) == ("Keyhouse can send mail", "auto-generated")
    assert letter["Message-ID"] == f"<{mail.created_at:%Y%m%d%H%M%S%f}.{mail.pk}@localhost>"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in letter.iter_parts())
    assert "asked for by an operator of Keyhouse." in text
    assert "<h1" in html


async def test_a_server_without_tls_gets_nothing_when_tls_is_demanded(post, deliver, inbox, use_mailer):
    use_mailer(f"smtp://127.0.0.1:{inbox.port}")
    await post()
    mail = await deliver()
    assert (mail.error, mail.sent_at, mail.failed_at) == ("SMTPNotSupportedError", None, None)
    assert inbox.messages == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_nobody_vouches_for_gets_nothing(post, deliver, use_mailer, tmp_path, scheme, monkeypatch):
    context, certificate = self_signed_tls(tmp_path)
    options = {"tls_context": context, "require_starttls": True} if scheme == "smtp" else {"ssl_context": context}
    with mail_server(**options) as inbox:
        use_mailer(f"{scheme}://127.0.0.1:{inbox.port}")
        await post()
        mail = await deliver()
        assert (mail.error, mail.sent_at, mail.failed_at) == ("SSLCertVerificationError", None, None)
        assert inbox.messages == []

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (await deliver()).sent_at is not None
        assert len(inbox.messages) == 1


async def test_a_server_that_comes_back_gets_the_letter(post, deliver, use_mailer):
    port = free_port()
    use_mailer(f"smtp://127.0.0.1:{port}?starttls=false")
    await post()
    for attempts, wait_seconds in ((1, 10), (2, 20), (3, 40)):
        mail = await deliver()
        assert (mail.attempts, mail.error, mail.sent_at) == (attempts, "ConnectionRefusedError", None)
        assert await seconds_until_due() == pytest.approx(wait_seconds, abs=5)
        assert await mail_delivery().run() is False
    with mail_server(port) as inbox:
        mail = await deliver()
    assert (mail.attempts, mail.error, mail.sent_at is not None) == (4, "", True)
    assert len(inbox.messages) == 1


async def test_a_recipient_who_is_refused_for_ever_is_given_up(post, deliver, inbox):
    inbox.replies = ["550 no such user ann@example.com"]
    await post()
    mail = await deliver()
    assert (mail.error, mail.sent_at, mail.attempts) == ("SMTPRecipientsRefused", None, 1)
    assert mail.failed_at is not None
    assert (await deliver()).attempts == 1
    assert inbox.messages == []


async def test_a_recipient_who_is_refused_for_now_is_tried_again(post, deliver, inbox):
    inbox.replies = ["451 try again later"]
    await post()
    assert (await deliver()).failed_at is None
    assert (await deliver()).sent_at is not None
    assert len(inbox.messages) == 1


async def test_content_that_is_refused_is_given_up(post, deliver, inbox):
    inbox.data_reply = "554 looks like spam"
    await post()
    mail = await deliver()
    assert (mail.error, mail.failed_at is not None) == ("SMTPDataError", True)


async def test_what_the_server_has_taken_is_sent_however_it_says_good_bye(post, deliver, inbox, settings):
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = 0.5
    inbox.quit_delay_seconds = 1
    await post()
    assert (await deliver()).sent_at is not None
    assert len(inbox.messages) == 1


async def test_neither_address_nor_token_is_logged(post, deliver, inbox, caplog):
    caplog.set_level(logging.DEBUG)
    inbox.replies = ["550 no such user ann@example.com"]
    await post()
    mail = await deliver()
    said = "\n".join(f"{line.getMessage()} {line.exc_text}" for line in caplog.records if line.name != "mail.log")
    assert f"letter {mail.pk} (test_mail), attempt 1: SMTPRecipientsRefused" in said
    assert "ann@example.com" not in said
    assert TOKEN not in said


async def test_a_letter_whose_link_is_dead_is_not_sent(post, deliver, inbox):
    await post(lifetime_seconds=0)
    mail = await deliver()
    assert (mail.error, mail.attempts, mail.sent_at, mail.context_encrypted) == ("Expired", 0, None, None)
    assert mail.failed_at is not None
    assert inbox.messages == []


async def test_after_a_change_of_the_secret_key_a_letter_is_given_up(post, deliver, inbox, settings):
    await post()
    settings.SECRET_KEY = "another secret key, as after somebody has changed it" * 2
    mail = await deliver()
    assert (mail.error, mail.failed_at is not None) == ("UnreadableLetter", True)
    assert inbox.messages == []


async def test_what_a_killed_worker_had_claimed_is_sent_by_another(post, deliver, inbox):
    await post()
    (claimed,) = await outgoing_mail_repository().claim(4, LEASE_SECONDS)
    assert await mail_delivery().run() is False
    assert inbox.messages == []
    assert await seconds_until_due() == pytest.approx(LEASE_SECONDS, abs=5)
    mail = await deliver()
    assert (mail.sent_at is not None, mail.attempts) == (True, 2)
    # The first was only slow: what it has to say comes too late to matter.
    await outgoing_mail_repository().note_failure(claimed, "TimeoutError", wait_seconds=0, is_final=True)
    assert (await deliver()).error == ""
    assert len(inbox.messages) == 1


async def test_a_letter_that_was_sent_twice_is_one_letter_to_its_reader(post, deliver, inbox):
    await post()
    await deliver()
    await make(OutgoingMail.objects.update, sent_at=None, context_encrypted=await _sealed_again(post))
    await make(OutgoingMail.objects.exclude(key="test:1").delete)
    await deliver()
    first, second = inbox.messages
    assert first["Message-ID"] == second["Message-ID"]


async def _sealed_again(post) -> bytes:
    await post(key="test:2")
    (other,) = await rows(OutgoingMail.objects.filter(key="test:2"))
    assert other.context_encrypted is not None
    return bytes(other.context_encrypted)


async def test_each_letter_is_sent_once_by_all_workers(post, inbox):
    for number in range(20):
        await post(f"user{number}@example.com", f"test:{number}")
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
    """Return how long after its last change the only letter is due, by the database's clock."""
    (mail,) = await rows(OutgoingMail.objects.annotate(wait=F("due_at") - F("created_at")))
    wait: timedelta = vars(mail)["wait"]
    return wait.total_seconds()

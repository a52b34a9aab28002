"""What is stored of a message, by the outcome of sending it."""

from datetime import UTC, datetime
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from ssl import SSLCertVerificationError
from typing import Any

import pytest
from psycopg_pool import PoolTimeout

from apps.mail.domain.message import ClaimedMessage
from apps.mail.services import delivery
from apps.mail.services.delivery import Delivery, UnreadableMessage, is_final, message_id, wait_seconds_after

pytestmark = pytest.mark.unit

MAIL = ClaimedMessage(3, "test_mail", "ann@example.com", b"sealed", datetime(2026, 1, 2, 3, 4, 5, 6, UTC), attempts=2)


class FakeMails:
    """One message that is due, in memory; the database is unavailable for the first `outages` writes."""

    def __init__(self, outages: int = 0) -> None:
        self.due = [MAIL]
        self.outages = outages
        self.stored: list[Any] = []

    async def claim(self, maximum: int, lease_seconds: int, key: str | None = None) -> list[ClaimedMessage]:
        claimed, self.due = self.due[:maximum], self.due[maximum:]
        return claimed

    async def mark_sent(self, mail_id: int) -> None:
        self._store("sent", mail_id)

    async def record_failure(self, mail: ClaimedMessage, error: str, *, wait_seconds: int, is_final: bool) -> None:
        self._store(mail.id, error, wait_seconds, is_final)

    def _store(self, *outcome: Any) -> None:
        if self.outages:
            self.outages -= 1
            raise PoolTimeout
        self.stored.append(outcome)


async def deliver(mails: Any, error: Exception | None = None) -> list[ClaimedMessage]:
    """Deliver the messages that are due, and return those that were handed to the mail server."""
    sent = []

    def send(mail: ClaimedMessage) -> None:
        sent.append(mail)
        if error:
            raise error

    service = Delivery(mails, send)
    assert await service.run() is True
    assert await service.run() is False
    return sent


async def test_a_sent_message_is_marked_sent():
    mails = FakeMails()
    assert await deliver(mails) == [MAIL]
    assert mails.stored == [("sent", 3)]


async def test_a_failed_message_is_tried_again_later():
    mails = FakeMails()
    await deliver(mails, ConnectionRefusedError("at ann@example.com"))
    assert mails.stored == [(3, "ConnectionRefusedError", 20, False)]


async def test_the_outcome_is_stored_after_a_database_outage(monkeypatch):
    monkeypatch.setattr(delivery, "DATABASE_PAUSE_SECONDS", 0.001)
    mails = FakeMails(outages=3)
    assert await deliver(mails) == [MAIL]
    assert mails.stored == [("sent", 3)]


async def test_sending_times_out(monkeypatch):
    monkeypatch.setattr(delivery, "SEND_SECONDS_MAXIMUM", 0)
    mails = FakeMails()
    await deliver(mails)
    assert mails.stored == [(3, "TimeoutError", 20, False)]


async def test_an_unexpected_error_is_logged_with_its_traceback_and_without_its_text(caplog):
    await deliver(FakeMails(), KeyError("ann@example.com"))
    assert "message 3 (test_mail), attempt 2: KeyError" in caplog.text
    assert "in send" in caplog.text
    assert "ann@example.com" not in caplog.text


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (SMTPRecipientsRefused({"ann@example.com": (550, b"no such user")}), True),
        (SMTPRecipientsRefused({"ann@example.com": (450, b"busy")}), False),
        (SMTPDataError(554, b"spam"), True),
        (SMTPDataError(451, b"later"), False),
        (SMTPSenderRefused(550, b"not yours", "no-reply@example.com"), False),
        (SMTPAuthenticationError(535, b"wrong"), False),
        (SMTPServerDisconnected("closed"), False),
        (SSLCertVerificationError("expired"), False),
        (TimeoutError(), False),
        (UnreadableMessage(), True),
        (ValueError("Invalid address"), True),
        (KeyError("name"), False),
    ],
)
def test_permanent_failures_are_final(error, final):
    assert is_final(error) is final


def test_waits_grow_up_to_ten_minutes():
    assert [wait_seconds_after(attempts) for attempts in (1, 2, 3, 6, 7, 8, 10_000)] == [
        10, 20, 40, 320, 600, 600, 600,
    ]  # fmt: skip


def test_the_message_id_is_the_same_at_each_attempt(settings):
    settings.DEFAULT_FROM_EMAIL = '"Example Inc." <no-reply@api.example.com>'
    assert message_id(MAIL) == "<20260102030405000006.3@api.example.com>"
    settings.DEFAULT_FROM_EMAIL = "ops@example.com"
    assert message_id(MAIL) == "<20260102030405000006.3@example.com>"


def test_a_claimed_message_reveals_neither_address_nor_content():
    assert "ann@example.com" not in repr(MAIL)
    assert "sealed" not in repr(MAIL)

"""What becomes of a letter, by what came of sending it."""

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

from apps.mail.models import ClaimedMail
from apps.mail.services import delivery
from apps.mail.services.delivery import Delivery, wait_seconds_after
from apps.mail.services.sending import UnreadableLetter, is_final, message_id

pytestmark = pytest.mark.unit

MAIL = ClaimedMail(3, "test_mail", "ann@example.com", b"sealed", datetime(2026, 1, 2, 3, 4, 5, 6, UTC), attempts=2)


class FakeMails:
    """One letter that is due, in memory; the first `outages` notes find the database away."""

    def __init__(self, outages: int = 0) -> None:
        self.due = [MAIL]
        self.outages = outages
        self.notes: list[Any] = []

    async def claim(self, maximum: int, lease_seconds: int, key: str | None = None) -> list[ClaimedMail]:
        claimed, self.due = self.due[:maximum], self.due[maximum:]
        return claimed

    async def note_sent(self, mail_id: int) -> None:
        self._note("sent", mail_id)

    async def note_failure(self, mail: ClaimedMail, error: str, *, wait_seconds: int, is_final: bool) -> None:
        self._note(mail.id, error, wait_seconds, is_final)

    def _note(self, *note: Any) -> None:
        if self.outages:
            self.outages -= 1
            raise PoolTimeout
        self.notes.append(note)


async def deliver(mails: Any, error: Exception | None = None) -> list[ClaimedMail]:
    """Deliver what is due and return what was handed to the mail server."""
    sent = []

    def send(mail: ClaimedMail) -> None:
        sent.append(mail)
        if error:
            raise error

    service = Delivery(mails, send)
    assert await service.run() is True
    assert await service.run() is False
    return sent


async def test_a_letter_that_was_sent_is_noted():
    mails = FakeMails()
    assert await deliver(mails) == [MAIL]
    assert mails.notes == [("sent", 3)]


async def test_a_letter_that_was_not_sent_waits():
    mails = FakeMails()
    await deliver(mails, ConnectionRefusedError("at ann@example.com"))
    assert mails.notes == [(3, "ConnectionRefusedError", 20, False)]


async def test_a_note_that_met_an_outage_is_made_after_it(monkeypatch):
    monkeypatch.setattr(delivery, "DATABASE_PAUSE_SECONDS", 0.001)
    mails = FakeMails(outages=3)
    assert await deliver(mails) == [MAIL]
    assert mails.notes == [("sent", 3)]


async def test_sending_ends_somewhen(monkeypatch):
    monkeypatch.setattr(delivery, "SEND_SECONDS_MAXIMUM", 0)
    mails = FakeMails()
    await deliver(mails)
    assert mails.notes == [(3, "TimeoutError", 20, False)]


async def test_a_mistake_of_ours_is_logged_with_its_place_and_without_its_words(caplog):
    await deliver(FakeMails(), KeyError("ann@example.com"))
    assert "letter 3 (test_mail), attempt 2: KeyError" in caplog.text
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
        (SMTPServerDisconnected("gone"), False),
        (SSLCertVerificationError("expired"), False),
        (TimeoutError(), False),
        (UnreadableLetter(), True),
        (ValueError("Invalid address"), True),
        (KeyError("name"), False),
    ],
)
def test_whether_trying_again_is_of_use(error, final):
    assert is_final(error) is final


def test_waits_grow_up_to_ten_minutes():
    assert [wait_seconds_after(attempts) for attempts in (1, 2, 3, 6, 7, 8, 10_000)] == [
        10, 20, 40, 320, 600, 600, 600,
    ]  # fmt: skip


def test_a_letter_has_one_message_id(settings):
    settings.DEFAULT_FROM_EMAIL = '"Example Inc." <no-reply@api.example.com>'
    assert message_id(MAIL) == "<20260102030405000006.3@api.example.com>"
    settings.DEFAULT_FROM_EMAIL = "ops@example.com"
    assert message_id(MAIL) == "<20260102030405000006.3@example.com>"


def test_a_claimed_letter_shows_neither_address_nor_content():
    assert "ann@example.com" not in repr(MAIL)
    assert "sealed" not in repr(MAIL)

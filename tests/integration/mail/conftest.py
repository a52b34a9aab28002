"""Messages, and the server that accepts them."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.db.models.functions import Now
from pydantic import SecretStr

from apps.core.database.transaction import transaction
from apps.mail.dependencies import mail_delivery, message_queue
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from config.environment.mail import mailers
from tests.support.mail_server import Inbox, mail_server
from tests.support.orm import make, rows

TOKEN = "single-use-token"


@pytest.fixture
def use_mailer(settings) -> Callable[[str], None]:
    """Return a function that makes the server of a MAIL_URL deliver."""

    def use(url: str) -> None:
        settings.MAILERS = mailers(SecretStr(url), to_console=False)

    return use


@pytest.fixture
def inbox(use_mailer) -> Iterator[Inbox]:
    """A mail server without TLS, which delivers."""
    with mail_server() as inbox:
        use_mailer(inbox.url)
        yield inbox


@pytest.fixture
def enqueue(database) -> Callable[..., Awaitable[None]]:
    """Return a function that enqueues a message."""

    async def enqueue_one(recipient: str = "ann@example.com", key: str = "test:1", **fields: Any) -> None:
        context = {"link": f"https://app.example.com/#token={TOKEN}"}
        async with transaction():
            await message_queue().enqueue(MailMessage("test_mail", recipient, key, 7, context, **fields))

    return enqueue_one


@pytest.fixture
def deliver() -> Callable[[], Awaitable[OutgoingMail]]:
    """Return a function that sends all messages as though each were due, and returns the only one."""

    async def deliver_all() -> OutgoingMail:
        await make(OutgoingMail.objects.update, due_at=Now())
        while await mail_delivery().run():
            pass
        (mail,) = await rows(OutgoingMail.objects.all())
        return mail

    return deliver_all

"""Letters, and the server that takes them."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.db.models.functions import Now
from pydantic import SecretStr

from apps.mail.dependencies import mail_delivery, mail_service
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from config.environment.mail import mailers
from tests.support.mail_server import Inbox, mail_server
from tests.support.orm import make, rows

TOKEN = "single-use-token"


@pytest.fixture
def use_mailer(settings) -> Callable[[str], None]:
    """Return a function that lets this MAIL_URL's server deliver."""

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
def post(database) -> Callable[..., Awaitable[None]]:
    """Return a function that posts a letter."""

    async def post_one(recipient: str = "ann@example.com", key: str = "test:1", **fields: Any) -> None:
        letter = MailMessage(
            "test_mail", recipient, key, 7, {"link": f"https://app.example.com/#token={TOKEN}"}, **fields
        )
        await make(mail_service().post, letter)

    return post_one


@pytest.fixture
def deliver() -> Callable[[], Awaitable[OutgoingMail]]:
    """Return a function that sends what waits, as though every wait were over, and returns the only letter."""

    async def deliver_all() -> OutgoingMail:
        await make(OutgoingMail.objects.update, due_at=Now())
        while await mail_delivery().run():
            pass
        (mail,) = await rows(OutgoingMail.objects.all())
        return mail

    return deliver_all

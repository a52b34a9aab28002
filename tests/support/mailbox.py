"""Reads the queued messages of a recipient, as they will be sent."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F

from apps.mail.models import OutgoingMail
from apps.mail.services.rendering import render, unseal


@dataclass(frozen=True)
class QueuedMessage:
    """A message that waits to be sent, with its rendered text."""

    kind: str
    context: dict[str, str]
    subject: str
    text: str
    html: str


def letters_to(email: str) -> list[QueuedMessage]:
    """Return the messages queued for this recipient, oldest first.

    In an async test: `await make(letters_to, email)`, with `make` of tests.support.orm.
    """
    waiting = OutgoingMail.objects.filter(recipient=email, context_encrypted__isnull=False).order_by("id")
    return [_rendered(mail) for mail in waiting]


def _rendered(mail: OutgoingMail) -> QueuedMessage:
    assert mail.context_encrypted is not None
    context = unseal(bytes(mail.context_encrypted))
    assert context is not None
    rendered = render(mail.kind, context)
    return QueuedMessage(mail.kind, context, rendered.subject, rendered.text, rendered.html)


def age_messages(seconds: int) -> None:
    """Shift the creation of every message into the past by `seconds`."""
    OutgoingMail.objects.update(created_at=F("created_at") - timedelta(seconds=seconds))

"""What was posted to somebody, read back as the recipient gets it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F

from apps.mail.models import OutgoingMail
from apps.mail.services.rendering import render, unseal


@dataclass(frozen=True)
class PostedLetter:
    """A letter that waits to be sent, and how it will read."""

    kind: str
    context: dict[str, str]
    subject: str
    text: str
    html: str


def letters_to(email: str) -> list[PostedLetter]:
    """Return the letters that wait for this recipient, the oldest first.

    From a coroutine test: `await make(letters_to, email)` of tests.support.orm.
    """
    waiting = OutgoingMail.objects.filter(recipient=email, context_encrypted__isnull=False).order_by("id")
    return [_posted(mail) for mail in waiting]


def _posted(mail: OutgoingMail) -> PostedLetter:
    assert mail.context_encrypted is not None
    context = unseal(bytes(mail.context_encrypted))
    assert context is not None
    rendered = render(mail.kind, context)
    return PostedLetter(mail.kind, context, rendered.subject, rendered.text, rendered.html)


def let_letters_grow_old(seconds: int) -> None:
    """Let every letter have been posted so many seconds earlier."""
    OutgoingMail.objects.update(created_at=F("created_at") - timedelta(seconds=seconds))

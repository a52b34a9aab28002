"""Messages that development prints instead of sending them."""

from io import StringIO

import pytest
from django.core.mail import EmailMultiAlternatives

from config.mail_console import EmailBackend

pytestmark = pytest.mark.unit

LINK = f"http://127.0.0.1:8000/account/verify-email#token={'x' * 43}"


def test_console_prints_text_with_unbroken_links():
    out = StringIO()
    message = EmailMultiAlternatives("Grüße", f"Follow\n{LINK}\n\n-- \nKeyhouse", "a@example.com", ["ann@example.com"])
    message.attach_alternative("<p>Follow</p>", "text/html")
    assert EmailBackend(stream=out).send_messages([message]) == 1
    lines = out.getvalue().splitlines()
    assert lines[1:6] == ["Mail to ann@example.com", "Subject: Grüße", "", "Follow", LINK]
    assert "<p>" not in out.getvalue()

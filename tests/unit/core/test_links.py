"""Links in messages lead only to the configured application."""

import pytest

from apps.mail.domain.message import MailMessage, link_to

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def application(settings):
    """Configure the application's URL."""
    settings.APPLICATION_URL = "https://app.example.com/portal"


def test_link_has_page_and_token_in_fragment():
    link = link_to("verify-email", token="abc_-123")
    assert link == "https://app.example.com/portal/account/verify-email#token=abc_-123"


def test_special_characters_in_fragment_are_escaped():
    link = link_to("reset", token="a b&c=d#e/é%\r\n", email="me+you@example.com")
    assert link == (
        "https://app.example.com/portal/account/reset"
        "#token=a%20b%26c%3Dd%23e%2F%C3%A9%25%0D%0A&email=me%2Byou%40example.com"
    )


def test_link_without_fragment():
    assert link_to("security") == "https://app.example.com/portal/account/security"


def test_special_characters_in_page_are_escaped():
    assert link_to("a?b#c") == "https://app.example.com/portal/account/a%3Fb%23c"


def test_message_repr_hides_its_context():
    message = MailMessage("verify", "me@example.com", "verify:1", 1, {"link": "https://secret"})
    assert "secret" not in repr(message)

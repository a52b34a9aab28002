"""Links in mail lead where the operator says, and nowhere else."""

import pytest

from apps.mail.domain.message import MailMessage, link_to

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def application(settings):
    """Name the application."""
    settings.APPLICATION_URL = "https://app.example.com/portal"


def test_a_page_and_a_token_in_the_fragment():
    link = link_to("verify-email", token="abc_-123")
    assert link == "https://app.example.com/portal/account/verify-email#token=abc_-123"


def test_what_a_token_contains_cannot_end_it():
    link = link_to("reset", token="a b&c=d#e/é%\r\n", email="me+you@example.com")
    assert link == (
        "https://app.example.com/portal/account/reset"
        "#token=a%20b%26c%3Dd%23e%2F%C3%A9%25%0D%0A&email=me%2Byou%40example.com"
    )


def test_a_page_without_a_fragment():
    assert link_to("security") == "https://app.example.com/portal/account/security"


def test_a_page_s_name_cannot_leave_the_application():
    assert link_to("a?b#c") == "https://app.example.com/portal/account/a%3Fb%23c"


def test_a_letter_does_not_show_its_context():
    letter = MailMessage("verify", "me@example.com", "verify:1", 1, {"link": "https://secret"})
    assert "secret" not in repr(letter)

"""Every letter that the rooms post reads whole: subject, text and HTML."""

from pathlib import Path
from typing import Any

import pytest

from apps.mail.services.rendering import render
from apps.users.domain.security_notice import SecurityNotice

pytestmark = pytest.mark.unit

LINK = "https://app.example.com/account/page#token=abc"
OTHER_LINK = "https://app.example.com/account/other#token=def"
NOTICE = {
    "what": SecurityNotice.NEW_DEVICE.value,
    "moment": "2026-11-25 18:00 UTC",
    "by_staff": "",
    "address": "203.0.113.9",
    "agent": "phone",
    "link": LINK,
    "reset_link": OTHER_LINK,
}
LETTERS: dict[str, dict[str, Any]] = {
    "verify_email": {"link": LINK},
    "confirm_registration": {"link": LINK, "username": "ann"},
    "registered_already": {"link": LINK},
    "invitation": {"link": LINK},
    "reset_password": {"link": LINK},
    "confirm_new_email": {"link": LINK},
    "email_taken": {"link": LINK},
    "confirm_email_change": {"link": LINK, "cancel_link": OTHER_LINK},
    "email_change_asked": {"cancel_link": OTHER_LINK},
    "account_deleted": {"days": "30"},
    "security_notice": NOTICE,
}


@pytest.mark.parametrize("kind", LETTERS)
def test_says_all_that_it_is_given_in_text_and_html(kind: str):
    letter = render(kind, LETTERS[kind])
    assert letter.subject
    for value in LETTERS[kind].values():
        assert value in letter.text
        assert value in letter.html


def test_each_kind_has_its_text_beside_its_html():
    rooms = Path(__file__).parents[3] / "apps"
    kinds = {path.name.partition(".")[0] for path in rooms.glob("*/templates/mail/*.subject.txt")}
    assert set(LETTERS) <= kinds
    for kind in kinds:
        (text,), (html,) = rooms.glob(f"*/templates/mail/{kind}.txt"), rooms.glob(f"*/templates/mail/{kind}.html")
        assert text.parent == html.parent


def test_a_notice_of_staff_s_doing_says_so_and_not_from_where():
    letter = render("security_notice", {**NOTICE, "by_staff": "yes"})
    assert "By: the staff of " in letter.text
    assert "203.0.113.9" not in letter.text + letter.html


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\u2028"])
def test_no_value_adds_a_header_or_a_line(ending: str):
    agent = f"phone{ending}Bcc: all@example.com{ending}{ending}<a href='https://evil.example'>Click</a>"
    letter = render("security_notice", {**NOTICE, "agent": agent})
    assert letter.subject == SecurityNotice.NEW_DEVICE.value
    assert "Device: phone Bcc: all@example.com <a" in letter.text
    assert "<a href='https://evil.example'>" not in letter.html

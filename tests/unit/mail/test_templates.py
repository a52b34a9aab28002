"""Every message that an app enqueues has a subject, a text and HTML."""

from pathlib import Path
from typing import Any

import pytest

from apps.api_keys.services.in_transaction.key_notices import KeyChange
from apps.mail.services.rendering import render
from apps.users.services.in_transaction.security_notifier import SecurityNotice

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
KEY_NOTICE = {
    "what": KeyChange.LOOSENED.value,
    "key": "deploy (sk_live_ab12…)",
    "loosened": "budget, expiry",
    "message": "Your key was found on a public page.",
    "moment": "2026-11-25 18:00 UTC",
    "by_staff": "",
    "by_key": "robot (sk_live_cd34…)",
    "address": "203.0.113.9",
    "link": LINK,
    "reset_link": OTHER_LINK,
}
APPROVAL = {"approval_id": "7", "amount": "500.00", "type": "Goodwill", "customer": "ann@example.com"}
MESSAGES: dict[str, dict[str, Any]] = {
    "credit_approval_requested": {
        **APPROVAL,
        "requester": "bob@example.com",
        "reason": "outage of Monday",
        "description": "Sorry for the outage",
        "expires": "2026-12-02 18:00 UTC",
    },
    "credit_approval_decided": {
        **APPROVAL,
        "state": "refused",
        "decider": "cem@example.com",
        "decision_reason": "twice the damage",
    },
    "verify_email": {"link": LINK},
    "confirm_registration": {"link": LINK, "username": "ann"},
    "registered_already": {"link": LINK},
    "invitation": {"link": LINK},
    "reset_password": {"link": LINK},
    "confirm_new_email": {"link": LINK},
    "email_taken": {"link": LINK},
    "confirm_email_change": {"link": LINK, "cancel_link": OTHER_LINK},
    "email_change_asked": {"cancel_link": OTHER_LINK},
    "account_deleted": {"days": "30", "message": "Farewell"},
    "account_changed": {"what": "Your account was suspended.", "effects": "No sign-in.", "message": "Pay the bill."},
    "security_notice": NOTICE,
    "api_key_notice": KEY_NOTICE,
    "api_keys_changed": {
        "since": "2026-11-25 18:00 UTC",
        "total": "37",
        "created": "34",
        "rotated": "2",
        "loosened": "1",
        "link": LINK,
        "reset_link": OTHER_LINK,
    },
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_text_and_html_contain_every_value(kind: str):
    message = render(kind, MESSAGES[kind])
    assert message.subject
    for value in MESSAGES[kind].values():
        assert value in message.text
        assert value in message.html


def test_each_kind_has_text_and_html():
    apps = Path(__file__).parents[3] / "apps"
    kinds = {path.name.partition(".")[0] for path in apps.glob("*/templates/mail/*.subject.txt")}
    assert set(MESSAGES) <= kinds
    for kind in kinds:
        (text,), (html,) = apps.glob(f"*/templates/mail/{kind}.txt"), apps.glob(f"*/templates/mail/{kind}.html")
        assert text.parent == html.parent


def test_a_notice_of_a_change_by_staff_does_not_reveal_their_address():
    message = render("security_notice", {**NOTICE, "by_staff": "yes"})
    assert "By: the staff of " in message.text
    assert "203.0.113.9" not in message.text + message.html


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\u2028"])
def test_values_cannot_add_headers_or_lines(ending: str):
    agent = f"phone{ending}Bcc: all@example.com{ending}{ending}<a href='https://evil.example'>Click</a>"
    message = render("security_notice", {**NOTICE, "agent": agent})
    assert message.subject == SecurityNotice.NEW_DEVICE.value
    assert "Device: phone Bcc: all@example.com <a" in message.text
    assert "<a href='https://evil.example'>" not in message.html

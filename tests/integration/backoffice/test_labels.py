"""Labels of lists and pages, and how missing values are shown."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from apps.mail.models import OutgoingMail
from tests.integration.backoffice.pages import EVENTS, KEYS, SESSIONS, USERS, text_of
from tests.support.factories import make_key, make_user
from tests.support.staff_browser import admin_session

pytestmark = pytest.mark.integration

MAILS = "/admin/mail/outgoingmail/"
FALTERING = re.compile(r"Ip address|User id|By is |By .*_|>None<")


def test_no_label_is_a_column_name(browser: Client):
    user = make_user()
    key, session = make_key(user), admin_session(user)
    mail = OutgoingMail.objects.create(
        kind="test_mail", recipient=user.email, user_id=user.pk, key="k", expires_at=timezone.now()
    )
    browser.post(f"{USERS}deactivate/?id={user.pk}")
    event = browser.get(EVENTS).context["cl"].result_list[0]
    rows = ((USERS, user.pk), (KEYS, key.id), (SESSIONS, session.pk), (MAILS, mail.pk), (EVENTS, event.pk))
    for pages, number in rows:
        for page in (pages, f"{pages}{number}/change/"):
            assert FALTERING.findall(text_of(browser.get(page))) == [], page


def test_unused_key_says_so(browser: Client):
    assert re.search(
        r'Last used</label>\s*<div class="readonly">-</div>',
        text_of(browser.get(f"{KEYS}{make_key().id}/change/")),
    )


def test_last_use_of_key_is_shown(browser: Client):
    key = make_key(last_used_at=timezone.now().replace(2026, 3, 4, 5, 6, 7))
    for page in (KEYS, f"{KEYS}{key.id}/change/"):
        assert ">2026-03-04 05:06:07<" in text_of(browser.get(page))


def test_state_of_message_is_shown_as_badge(browser: Client):
    now = timezone.now()
    states = {"waiting": {}, "sent": {"sent_at": now}, "failed": {"failed_at": now}}
    badges = {"waiting": "disabled", "sent": "active", "failed": "revoked"}
    for state, fields in states.items():
        OutgoingMail.objects.create(kind="test_mail", recipient="a@example.com", key=state, expires_at=now, **fields)
    for state, badge in badges.items():
        page = text_of(browser.get(f"{MAILS}?state={state}"))
        assert re.findall(r'<span class="badge (\w+)">(\w+)</span>', page) == [(badge, state.capitalize())]

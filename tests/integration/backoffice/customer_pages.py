"""The customer page in tests: its address, its text, its links, and what it shows."""

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.usage.models import UsageDenial
from apps.users.models import User
from tests.integration.backoffice.pages import CUSTOMERS, text_of
from tests.support.factories import IssuedKey

TABS = {
    "": "customers:read",
    "keys/": "keys:read",
    "usage/": "keys:read",
    "credits/": "credits:read",
    "security/": "security:read",
    "timeline/": "audit:read",
    "notes/": "customers:read",
}
NOW = timezone.now()


def page_of(user: User, tab: str = "") -> str:
    """Return the URL of a tab."""
    return f"{CUSTOMERS}{user.pk}/{tab}"


def text_on(browser: Client, user: User, tab: str = "") -> str:
    """Return the text of a tab's page, without tags, in one line."""
    response = browser.get(page_of(user, tab))
    assert response.status_code == 200
    body = re.sub(r"<(script|style).*?</\1>", "", text_of(response), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def links_on(browser: Client, user: User, tab: str = "") -> list[str]:
    """Return where the links of a tab's page lead."""
    return re.findall(r'href="([^"]*)"', text_of(browser.get(page_of(user, tab))))


def refuse(key: IssuedKey, code: str, detail: str, count: int = 1, age: timedelta = timedelta(minutes=1)) -> None:
    """Count refused calls of the key in a minute."""
    UsageDenial.objects.create(api_key_id=key.id, minute_at=NOW - age, code=code, detail=detail, count=count)


def use(key: IssuedKey, entry_id: int | None = None, request_id: str = "r") -> None:
    """Insert a call; the database gives it its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, credit_transaction_id, tag,"
            " request_id) VALUES (%s, %s, %s, 1, 1, %s, '', %s)",
            [NOW, key.row.user_id, key.id, entry_id, request_id],
        )

"""A key's page says first what a call would get now, and why; it tries other calls, and shows the refused ones."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.api_keys.models import ApiKeyCounter
from apps.audit.models import AuditEvent
from apps.core.event_loop import call_service
from apps.usage.dependencies import refusals
from apps.usage.models import UsageRecord
from tests.integration.backoffice.pages import KEYS, text_of
from tests.integration.usage.test_refusals import refused
from tests.integration.verification.verifying import make_limited_key
from tests.support.factories import IssuedKey, give_credits, make_key, make_user
from tests.support.filled_database import connected_to
from tests.support.query_plans import EXPLAINING, explained

pytestmark = pytest.mark.integration

STATEMENTS_MAXIMUM = 16


def page_of(key: IssuedKey) -> str:
    return f"{KEYS}{key.id}/change/"


def try_page_of(key: IssuedKey) -> str:
    return f"{KEYS}{key.id}/explain/"


def answer_on(response: Any) -> str:
    """Return the sentence at the top of the page."""
    found = re.search(r'<h2 id="key-answer-heading">(.*?)</h2>', response.content.decode())
    assert found
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def checks_on(response: Any) -> dict[str, tuple[str, str]]:
    rows = re.findall(
        r'<th scope="row">([^<]+)</th>\s*<td><span class="badge \w+">(pass|fail)</span></td>\s*<td>([^<]*)</td>',
        response.content.decode(),
    )
    return {name: (result, unescape(sentence)) for name, result, sentence in rows}


STATES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, "VALID A call now would be allowed."),
    ({}, {"is_active": False}, "FORBIDDEN A call now would be refused: the owner is suspended."),
    (
        {},
        {"locked_until": timezone.now() + timedelta(days=1)},
        "FORBIDDEN A call now would be refused: the owner is locked.",
    ),
    ({"revoked_at": timezone.now()}, {}, "DISABLED A call now would be refused: the key is revoked."),
    ({"is_active": False}, {}, "DISABLED A call now would be refused: the key is disabled."),
    ({"expires_at": timezone.now()}, {}, "EXPIRED A call now would be refused: the key has expired."),
    ({"deleted_at": timezone.now()}, {}, "NOT_FOUND A call now would be refused: the key is deleted."),
]


@pytest.mark.parametrize(("key_fields", "owner_fields", "answer"), STATES, ids=[answer for *_, answer in STATES])
def test_page_begins_with_what_a_call_would_get(browser, key_fields, owner_fields, answer):
    key = make_key(make_user(**owner_fields), **key_fields)
    response = browser.get(page_of(key))
    assert answer_on(response) == answer
    assert f"Key {key.id}," in text_of(response) or "deleted" in answer


def test_page_shows_each_check_and_what_is_left(browser):
    limits = [{"name": "minute", "limit": 7, "period_seconds": 60}]
    key = make_limited_key(("day", 1000, 86_400), rate_limits=limits, budget=Decimal(50), scopes=["reports:read"])
    give_credits(key.row.user, "496.2")
    response = browser.get(page_of(key))
    assert checks_on(response) == {
        "Enabled": ("pass", "The key is enabled and not revoked."),
        "Not expired": ("pass", "The key never expires."),
        "Owner": ("pass", "The owner is active."),
        "Address": ("pass", "Every address is allowed."),
        "Scopes": ("pass", "The call needs no scope."),
        "Operation": ("pass", "The call names no operation, but its cost."),
        "Rate limits": ("pass", "No rate limit is used up."),
        "Budget of the key": ("pass", "Of its budget of 50.00, 50.00 are left."),
        "Balance of the owner": ("pass", "The balance of 496.20 does not matter: the call costs nothing."),
    }
    page = " ".join(text_of(response).split())
    assert f"<td>1000</td> <td>1000 per 86400 s</td> <td>the plan {key.row.user.plan}</td>" in page
    assert "<td>7</td> <td>7 per 60 s</td> <td>the key</td>" in page


def test_another_call_is_tried_and_nothing_is_used_up(browser):
    key = make_limited_key(("minute", 5, 60), ip_allowlist=["192.0.2.0/24"])
    give_credits(key.row.user, 1)
    browser.get(page_of(key))
    call = {"scopes": "reports:read", "ip": "198.51.100.7", "cost": "2", "weight": "6"}
    response = browser.post(try_page_of(key), call)
    assert answer_on(response) == "FORBIDDEN A call now would be refused: the address is not on the allowlist."
    assert {name for name, (result, _) in checks_on(response).items() if result == "fail"} == {
        "Address",
        "Scopes",
        "Rate limits",
        "Balance of the owner",
    }
    assert 'value="198.51.100.7"' in text_of(response)
    passes = browser.post(try_page_of(key), {"scopes": "", "ip": "", "cost": "1", "weight": "5"})
    assert answer_on(passes) == "VALID A call now would be allowed."
    assert ApiKeyCounter.objects.get(pk=key.id).entries == b""
    assert (UsageRecord.objects.count(), AuditEvent.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("field", "wrong"), [("scopes", "a b"), ("cost", "-1"), ("cost", "many"), ("weight", "0"), ("ip", "x" * 101)]
)
def test_invalid_call_is_refused_at_its_field(browser, field, wrong):
    key = make_key()
    call = {"scopes": "", "ip": "", "cost": "0", "weight": "1", field: wrong}
    response = browser.post(try_page_of(key), call)
    assert response.status_code == 200
    assert "Correct the errors below." in text_of(response)
    assert set(response.context["panels"][0]["form"].errors) == {field}


def test_refused_calls_are_shown_and_can_be_tried_again(browser):
    key, other = make_limited_key(ip_allowlist=["192.0.2.0/24"]), make_key()
    calls = [
        refused(key.id, "req 1", code="RATE_LIMITED", detail="minute", cost=Decimal("0.5"), tag="<b>eu</b>"),
        refused(
            key.id, "req 2", code="FORBIDDEN", detail="address_not_allowed", address="198.51.100.7", scopes=("a:b",)
        ),
        refused(other.id, "req 3"),
    ]
    call_service(refusals().write, calls)
    response = browser.get(page_of(key))
    page = text_of(response)
    assert page.index("req 2") < page.index("req 1")
    assert "req 3" not in page
    assert "<code>FORBIDDEN</code> the address is not on the allowlist" in page
    assert "<code>RATE_LIMITED</code> rate limit minute" in page
    assert "tag &lt;b&gt;eu&lt;/b&gt;" in response.content.decode()
    values = response.context["panels"][0]["refusals"][0]["values"]
    again = browser.post(try_page_of(key), values)
    assert answer_on(again) == "FORBIDDEN A call now would be refused: the address is not on the allowlist."


def test_number_of_statements_does_not_grow(browser):
    """However many refusals, limits and scopes the key has."""
    database_url = f"postgresql://host/{connection.settings_dict['NAME']}"

    def statements(key: IssuedKey) -> list[str]:
        with explained() as plans, connected_to(database_url, EXPLAINING):
            assert browser.get(page_of(key)).status_code == 200
        return [plan.sql for plan in plans]

    few = statements(make_key())
    rich = make_limited_key(
        *((f"limit{number}", 100, 60 + number) for number in range(9)), scopes=[f"a{number}:b" for number in range(9)]
    )
    call_service(refusals().write, [refused(rich.id, str(number)) for number in range(50)])
    assert len(statements(rich)) == len(few)
    assert 5 < len(few) <= STATEMENTS_MAXIMUM, "\n\n".join(few)


def test_only_staff_who_may_read_keys(limited):
    key = make_key()
    assert limited("customers:read").post(try_page_of(key)).status_code == 403
    assert limited("keys:read").get(try_page_of(key)).status_code == 200
    assert limited("keys:read").get(f"{KEYS}{2**40}/explain/").status_code == 404


def test_balance_is_for_staff_who_may_read_balances(limited):
    key = make_key()
    give_credits(key.row.user, 7)
    call_service(refusals().write, [refused(key.id, "req 1", user_id=key.row.user_id, balance=Decimal(7))])
    without = text_of(limited("keys:read").get(page_of(key)))
    assert ("req 1" in without, "7.00" in without) == (True, False)
    shown = text_of(limited("keys:read", "credits:read").get(page_of(key)))
    assert "The balance of 7.00" in shown
    assert "; balance 7.00" in shown


def test_list_shows_the_owners_state_beside_the_keys_own(browser):
    owners = {
        "suspended": make_user(is_active=False),
        "locked": make_user(locked_until=timezone.now() + timedelta(days=1)),
        "deleted": make_user(deleted_at=timezone.now(), is_active=False),
        "active": make_user(locked_until=timezone.now() - timedelta(days=1)),
    }
    for name, owner in owners.items():
        make_key(owner, name=name)
        make_key(owner, name=f"{name}-disabled", is_active=False)
    page = browser.get(KEYS).content.decode()
    rows = {
        name: re.findall(r'<span class="badge \w+">([^<]+)</span>', row)
        for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)
        for name in re.findall(r">((?:suspended|locked|deleted|active)(?:-disabled)?)</a>", row)
    }
    assert rows == {
        "suspended": ["Owner suspended"],
        "suspended-disabled": ["Disabled", "Owner suspended"],
        "locked": ["Owner locked"],
        "locked-disabled": ["Disabled", "Owner locked"],
        "deleted": ["Owner deleted"],
        "deleted-disabled": ["Disabled", "Owner deleted"],
        "active": ["Active"],
        "active-disabled": ["Disabled"],
    }

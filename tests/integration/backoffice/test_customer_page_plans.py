"""The customer page is read by indexes, in few statements, however many customers, calls and events there are."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.test import Client

from apps.users.models import User
from tests.conftest import forget_signing_keys
from tests.integration.backoffice.pages import CUSTOMERS, STAFF, USERS
from tests.support.factories import make_staff
from tests.support.filled_database import (
    FIRST_ID,
    close_connections,
    connected_to,
    filled_database,
    large_tables,
)
from tests.support.query_plans import EXPLAINING, ROWS_MAXIMUM, Plan, explained
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

TABS = ("", "keys/", "usage/", "credits/", "security/", "timeline/", "notes/")
STATEMENTS_MAXIMUM = 12
COUNTING = "The allowed calls are counted"
SUMMING = "width_bucket"  # its plan is in tests/integration/usage/test_usage_report_plans.py
# Customers with ten keys and sessions, thousands of calls, refusals and events each, and a lockout of each kind.
FILL = """
UPDATE login_attempts SET locked_until = now() + interval '1 hour';
INSERT INTO login_attempts (account_digest, client_address, failures, last_failed_at, locked_until)
SELECT sha256(convert_to(email, 'UTF8')), '203.0.113.' || n % 250, 5, now(), now() + interval '1 hour'
FROM users, generate_series(1, 3) AS n WHERE id IN ({busy}, {suspended});
INSERT INTO second_factor_attempts (user_id, client_address, failures, first_failed_at, last_failed_at, locked_until)
SELECT id, '', 50, now(), now(), now() + interval '1 hour' FROM users WHERE id % 2 = 0;
UPDATE users SET is_active = false WHERE id = {suspended};
UPDATE api_keys SET user_id = {busy} WHERE id % 200 = 1;
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
SELECT now(), {busy}, {busy}, 0, 1, '', n::text FROM generate_series(1, 30000) AS n;
INSERT INTO denials (api_key_id, minute_at, code, count)
SELECT api_keys.id, date_trunc('minute', now()) - n * interval '1 minute', 'DISABLED', 1
FROM api_keys, generate_series(1, 100) AS n WHERE user_id = {busy};
INSERT INTO audit_events (actor_id, actor_kind, subject_id, action, target_kind, target_id, before, after, request_id)
SELECT {busy}, 'session', {busy} + n % 2, 'user.updated', 'user', {busy} + n % 2, '{{}}', '{{}}', ''
FROM generate_series(1, 20000) AS n;
INSERT INTO audit_events (actor_kind, action, target_kind, target_id, before, after, request_id)
SELECT 'session', CASE n WHEN 1 THEN 'user.suspended' ELSE 'password.refused' END, 'user', {suspended}, '{{}}', '{{}}',
    ''
FROM generate_series(1, 20000) AS n;
INSERT INTO account_notes (user_id, text) SELECT {first} + 1 + n % 4000, 'note' FROM generate_series(1, 10000) AS n;
"""
BUSY, SUSPENDED = FIRST_ID + 1, FIRST_ID + 2


@pytest.fixture(scope="module", params=["without statistics", "analysed"])
def filled(request: Any, _migrated_database: None, django_db_blocker: Any) -> Iterator[str]:
    """The URL of a filled database, to which Keyhouse is connected."""
    with django_db_blocker.unblock(), filled_database(os.environ["DATABASE_URL"]) as url:
        forget_signing_keys()
        with psycopg.connect(url, autocommit=True) as filling:
            filling.execute(FILL.format(first=FIRST_ID, busy=BUSY, suspended=SUSPENDED))
            if request.param == "analysed":
                filling.execute("VACUUM (ANALYZE)")
        with connected_to(url, EXPLAINING):
            yield url
        forget_signing_keys()


@pytest.fixture(scope="module")
def browser(filled: str) -> Client:
    return browser_of(make_staff(email="root@example.com", username="root"))


def _plans(browser: Client, page: str) -> list[Plan]:
    with explained() as plans:
        close_connections()  # plans are reported on connections that are opened inside
        assert browser.get(page).status_code == 200
    found = list(plans)
    close_connections()
    return found


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("user_id", [BUSY, SUSPENDED])
def test_tab_is_read_by_indexes_in_few_statements(browser: Client, filled: str, user_id: int, tab: str):
    plans = _plans(browser, f"{CUSTOMERS}{user_id}/{tab}")
    large = large_tables(filled)
    assert {"users", "denials", "audit_events", "api_keys", "sessions", "account_notes"} <= large
    # Today's calls are counted: up to ten thousand from an index alone, and a minute of a key's refusals is one row.
    read = [plan for plan in plans if COUNTING not in plan.sql and SUMMING not in plan.sql]
    assert [f"{problem} in {plan.sql}" for plan in read for problem in plan.problems(large)] == []
    assert 5 < len(plans) <= STATEMENTS_MAXIMUM, [plan.sql[:60] for plan in plans]


@pytest.mark.parametrize("page", [USERS, STAFF])
def test_lists_read_only_their_page(browser: Client, filled: str, page: str):
    large = large_tables(filled) - {"users"}  # which are counted, up to ten thousand
    reads = [plan.long_reads(large, ROWS_MAXIMUM) for plan in _plans(browser, page)]
    assert [found for found in reads if found] == []
    assert User.objects.filter(is_staff=True).count() == 1

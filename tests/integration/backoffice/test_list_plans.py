"""No list of the admin reads or sorts a large table to show a page: not as it opens, not for a search, not by state."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.api_keys.models import ApiKey
from apps.core.admin import keyhouse_model_admin
from tests.conftest import forget_signing_keys
from tests.integration.backoffice.pages import KEYS, text_of
from tests.support.factories import make_staff
from tests.support.filled_database import (
    CUSTOMERS,
    FIRST_ID,
    close_connections,
    connected_to,
    filled_database,
    large_tables,
)
from tests.support.query_plans import EXPLAINING, ROWS_MAXIMUM, explained
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

# The tables here are small, and reading them as a whole is cheap. As if it were not: each row that is read costs much.
LARGE = "-c enable_seqscan=off -c cpu_tuple_cost=1"
# Words of one row each, and of no row.
TERMS = ("filled4711@example.com", "filled4711", str(FIRST_ID + 4711), "nothing has this name")
# Of these tables a fifth of the accounts have rows at most, and no index finds a part of an address.
SEARCHED_AS_A_WHOLE = {"identities", "passkeys", "totp_devices", "invitations", "sessions"}
# These count the accounts of each plan, and the members of each role.
COUNTING = {"admin:plans_plan_changelist", "admin:users_role_changelist"}
# Its filter reads the providers from an index.
DISTINCT = "SELECT DISTINCT"


def _lists() -> list[str]:
    return [f"admin:{model._meta.label_lower.replace('.', '_')}_changelist" for model in admin.site._registry]


@pytest.fixture(scope="module")
def filled(_migrated_database: None, django_db_blocker: Any) -> Iterator[str]:
    """The URL of a filled database with statistics, to which Keyhouse is connected."""
    with django_db_blocker.unblock(), filled_database(os.environ["DATABASE_URL"]) as url:
        forget_signing_keys()
        with psycopg.connect(url, autocommit=True) as analysing:
            analysing.execute("VACUUM (ANALYZE)")
        with connected_to(url, f"{EXPLAINING} {LARGE}"):
            yield url
        forget_signing_keys()


@pytest.fixture(scope="module")
def browser(filled: str) -> Client:
    return browser_of(make_staff(email="root@example.com", username="root"))


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lists count fewer rows than the tables have."""
    monkeypatch.setattr(keyhouse_model_admin, "ROWS_MAXIMUM", 200)


def _long_reads(browser: Client, url: str, page: str, maximum: int = ROWS_MAXIMUM, **query: str) -> list[str]:
    return _reads_of(url, maximum, partial(browser.get, page, query))


def _reads_of(url: str, maximum: int, request: Callable[[], Any]) -> list[str]:
    with explained() as plans:
        close_connections()  # plans are reported on connections that are opened inside
        assert request().status_code == 200
    found = [(plan.long_reads(large_tables(url), maximum), plan.sql) for plan in plans]
    close_connections()
    assert len(found) > 3  # the plans of the page's own statements are reported
    return [f"{reads} in {sql}" for reads, sql in found if reads and not sql.startswith(DISTINCT)]


@pytest.mark.parametrize("name", sorted({*_lists()} - COUNTING))
def test_opening_a_list_reads_only_its_page(browser: Client, filled: str, name: str):
    page = reverse(name)
    assert _long_reads(browser, filled, page) == []
    assert _long_reads(browser, filled, page, p="4") == []
    assert "?o=" not in text_of(browser.get(page))  # no index serves another order


def test_search_for_a_common_word_reads_no_more_than_it_counts(browser: Client, filled: str):
    for name in _lists():
        reads = _long_reads(browser, filled, reverse(name), q="example", maximum=5_500)
        assert [read for read in reads if "users" in read] == [], name


@pytest.mark.parametrize("name", sorted({*_lists()} - COUNTING))
@pytest.mark.parametrize("term", TERMS)
def test_searches_use_indexes(browser: Client, filled: str, name: str, term: str):
    reads = _long_reads(browser, filled, reverse(name), q=term)
    assert [read for read in reads if not any(f" of {table}" in read for table in SEARCHED_AS_A_WHOLE)] == []


@pytest.mark.parametrize("term", [*TERMS, "example.com", f"key:{FIRST_ID}", "sk_live_filled", "sk_live_none"])
def test_search_on_every_page_uses_indexes(browser: Client, filled: str, term: str):
    search = partial(browser.post, "/admin/search/", {"q": term}, follow=True)
    assert _reads_of(filled, ROWS_MAXIMUM, search) == []


@pytest.mark.parametrize("state", [state for state in ApiKey.State if state != ApiKey.State.OWNER_SUSPENDED])
def test_keys_are_listed_by_state_through_indexes(browser: Client, filled: str, state: ApiKey.State):
    assert _long_reads(browser, filled, KEYS, state=state) == []
    assert _long_reads(browser, filled, KEYS, environment__exact="test") == []
    assert CUSTOMERS > 1000  # else nothing above could fail

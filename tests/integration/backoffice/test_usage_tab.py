"""The tab with a customer's usage: a chart, the same numbers as a table, groups, and the export."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.backoffice.admin.usage_tab import CHART_HEIGHT, bars_of
from apps.core.event_loop import call_service
from apps.usage.schemas.usage_report import UsageInInterval
from tests.integration.backoffice.customer_pages import NOW, page_of, refuse, text_on, use
from tests.integration.backoffice.pages import text_of
from tests.support.factories import make_colleague, make_key, make_user
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration


def test_tab_shows_calls_by_day_and_key(browser: Client):
    user = make_user()
    laptop, ci = make_key(user, name="laptop"), make_key(user, name="ci")
    for _ in range(3):
        use(laptop)
    use(ci)
    use(make_key(name="of another"))
    refuse(ci, "EXPIRED", "key", 7)
    page = text_on(browser, user, "usage/")
    assert "4 allowed, 7 refused, cost 4" in page
    assert f"{NOW.astimezone(UTC):%Y-%m-%d} 4 7 4" in page
    assert "ci 1 7 1.00 laptop 3 0 3.00" in page
    assert "of another" not in page


def test_chart_has_a_title_for_each_bar_and_no_style_of_its_own(browser: Client):
    user = make_user()
    use(make_key(user))
    page = text_of(browser.get(page_of(user, "usage/")))
    chart = re.search(r"<svg class=\"usage-chart\".*?</svg>", page, re.DOTALL)
    assert chart
    assert chart[0].count("<rect") == 60
    assert f"{NOW.astimezone(UTC):%Y-%m-%d}: 1 allowed, 0 refused" in chart[0]
    assert 'role="img"' in chart[0]
    assert "style=" not in chart[0]


@pytest.mark.parametrize(("query", "said"), [
    ("interval=hour&group_by=code", "VALID 1 0 1"),
    ("interval=month&group_by=tag", "no tag 1 - 1"),
    ("interval=year&group_by=nothing", "By key"),
])  # fmt: skip
def test_periods_and_groups_are_chosen(browser: Client, query: str, said: str):
    user = make_user()
    use(make_key(user, name="k"))
    assert said in text_on(browser, user, f"usage/?{query}")


def test_customer_without_calls(browser: Client):
    assert "No call in this period." in text_on(browser, make_user(), "usage/")


def test_cost_is_shown_to_those_who_may_read_balances():
    user = make_user()
    use(make_key(user, name="k"))
    support = browser_of(make_colleague("customers:read", "keys:read"))
    assert "1 allowed, 0 refused. The table" in text_on(support, user, "usage/")


async def _whole(response: Any) -> bytes:
    return b"".join([chunk async for chunk in response.streaming_content])


def test_calls_are_downloaded_as_a_file(browser: Client):
    user = make_user()
    use(make_key(user), request_id="r1")
    response = browser.get(page_of(user, "usage/export/?format=ndjson"))
    assert (response.status_code, response["Content-Type"]) == (200, "application/x-ndjson")
    assert response["Content-Disposition"].startswith("attachment")
    assert b'"request_id" : "r1"' in call_service(_whole, response)
    assert browser.get(page_of(user, "usage/export/?format=xml")).status_code == 404
    assert browser.get(page_of(user, "usage/export/").replace(str(user.pk), "77777777")).status_code == 404


def test_export_takes_the_right_to_read_keys():
    page = page_of(make_user(), "usage/export/")
    assert browser_of(make_colleague("customers:read")).get(page).status_code == 403


def _interval(calls: int, refused: int) -> UsageInInterval:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return UsageInInterval(starts_at=at, ends_at=at + timedelta(days=1), calls=calls, refused=refused)


def test_bars_fill_the_chart_and_show_single_calls():
    highest, single, empty = bars_of([_interval(900_000, 300_000), _interval(1, 0), _interval(0, 0)], "%Y")
    assert (highest.allowed_height, highest.refused_height, highest.refused_y) == (90, 30, 0)
    assert (single.allowed_height, single.allowed_y) == (1, CHART_HEIGHT - 1)
    assert (empty.allowed_height, empty.refused_height) == (0, 0)
    assert bars_of([], "%Y") == []

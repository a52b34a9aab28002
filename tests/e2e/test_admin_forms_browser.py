"""Every form of the admin in a real browser: a double click, a reload, the back button and a second tab do it once.

The forms about one's own account are in test_own_account_browser.py.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib import admin
from playwright.sync_api import Browser, Error, Page, expect

from apps.audit.models import AuditEvent
from apps.users.models import StaffMember
from config.apps import discover_admin_pages
from tests.support.admin_forms import FORMS, AdminForm, new_name
from tests.support.browser import sign_in_to_admin
from tests.support.served_rows import ServedRows, rows_of
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

OPENED = "document.body.dataset.opened = 'before'"
NEXT_PAGE = "body:not([data-opened])"


@pytest.fixture(scope="module")
def rows(server: Server, django_db_blocker: Any) -> Iterator[ServedRows]:
    with django_db_blocker.unblock(), rows_of(server.database_url) as rows:
        yield rows


@pytest.fixture(scope="module")
def tabs(chromium: Browser, server: Server) -> Iterator[tuple[Page, Page]]:
    """Two tabs of the administrator's browser; the pages of all forms log no error."""
    context, errors = chromium.new_context(base_url=server.url), []
    context.set_default_timeout(15_000)
    context.on("console", lambda each: errors.append(each.text) if each.type in {"error", "warning"} else None)
    context.on("weberror", lambda each: errors.append(str(each.error)))
    first, second = context.new_page(), context.new_page()
    sign_in_to_admin(first, server)
    yield first, second
    context.close()
    assert errors == []


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_form_is_done_once(tabs: tuple[Page, Page], rows: ServedRows, form: AdminForm):
    ids, name = rows(form.make), new_name()
    before = rows(_last_event)
    for tab in tabs:
        _prepare(tab, form, form.address.format(**ids), name)
    first, second = tabs
    _leave(first, form.steps[-1], is_double=True)
    first.reload()
    with suppress(Error):  # the page before was the response to a form, which browsers do not repeat by themselves
        first.go_back()
    if first.locator(form.steps[-1]).count() == 1:
        _leave(first, form.steps[-1])
    _leave(second, form.steps[-1])
    assert tuple(rows(_events_since, before)) == form.events


def test_table_has_every_form_of_the_admin():
    discover_admin_pages()
    found = {
        f"{pages.opts.model_name}.{operation.name}"
        for pages in admin.site._registry.values()
        for operation in getattr(pages, "offered_operations", ())
        if pages.model is not StaffMember  # whose pages are those of User
    }
    assert found - {form.name for form in FORMS} == {"user.export"}  # changes nothing


def _prepare(page: Page, form: AdminForm, address: str, name: str) -> None:
    """Open the form, fill it in, and click all buttons but the last."""
    page.goto(address)
    for field, value in form.typed.items():
        _enter(page, field, value.format(name=name))
    for step in form.steps[:-1]:
        _leave(page, step)


def _enter(page: Page, field: str, value: str) -> None:
    controls = page.locator(f'#content [name="{field}"]')
    kind = controls.first.evaluate("(control) => control.type")
    if kind == "select-one":
        controls.select_option(value)
    elif kind in {"checkbox", "radio"} and value:
        controls.and_(page.locator(f'[value="{value}"]')).check()
    elif kind == "checkbox":
        controls.uncheck()
    else:
        controls.fill(value)


def _leave(page: Page, button: str, *, is_double: bool = False) -> None:
    """Click the button once or twice, and wait for the page that it leads to."""
    page.evaluate(OPENED)
    page.locator(button).click(click_count=2 if is_double else 1)
    expect(page.locator(NEXT_PAGE)).to_be_attached()
    page.wait_for_load_state()


def _last_event() -> int:
    return int(AuditEvent.objects.order_by("id").values_list("id", flat=True).last() or 0)


def _events_since(event_id: int) -> list[str]:
    return list(AuditEvent.objects.filter(id__gt=event_id).order_by("id").values_list("action", flat=True))

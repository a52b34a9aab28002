"""Every form of the admin in a real browser: a double click, a reload, the back button and a second tab do it once.

The forms about one's own account are in test_own_account_browser.py.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.contrib import admin
from playwright.sync_api import Browser, Error, Page

from apps.users.models import StaffMember
from config.apps import discover_admin_pages
from tests.support.admin_forms import FORMS, AdminForm, new_name
from tests.support.browser import sign_in_to_admin
from tests.support.form_clicks import leave, prepare
from tests.support.recorded import recorded, recorded_since
from tests.support.served_rows import ServedRows
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


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
    before = rows(recorded)
    for tab in tabs:
        prepare(tab, form, form.address.format(**ids), name)
    first, second = tabs
    leave(first, form.steps[-1], is_double=True)
    first.reload()
    with suppress(Error):  # the page before was the response to a form, which browsers do not repeat by themselves
        first.go_back()
    if first.locator(form.steps[-1]).count() == 1:
        leave(first, form.steps[-1])
    leave(second, form.steps[-1])
    assert rows(recorded_since, before) == (form.events, form.rows)


def test_table_has_every_form_of_the_admin():
    discover_admin_pages()
    found = {
        f"{pages.opts.model_name}.{operation.name}"
        for pages in admin.site._registry.values()
        for operation in getattr(pages, "offered_operations", ())
        if pages.model is not StaffMember  # whose pages are those of User
    }
    assert found - {form.name for form in FORMS} == {"user.export"}  # changes nothing

"""Pages of errors keep the menu where the person is signed in, and say what to do."""

import re
from typing import Any, NoReturn

import pytest
from django.contrib.admin import ModelAdmin
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from apps.core.errors import Conflict
from apps.plans.admin.plan_admin import PlanAdmin
from apps.plans.models import Plan
from tests.integration.backoffice.pages import PLANS, fields_of, text_of
from tests.support.staff_browser import HOST, browser_of

pytestmark = pytest.mark.integration

MENU = 'href="/admin/users/user/"'
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def seen(response: Any) -> tuple[int, str, bool]:
    """Return the status, the heading, and whether the page has the menu."""
    page = text_of(response)
    found = re.search(r"<h1>([^<]*)</h1>", page)
    assert found
    return response.status_code, found[1], MENU in page


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_args: object, **_options: object) -> NoReturn:
        raise error

    monkeypatch.setattr(PlanAdmin, "get_changelist_instance", fail)


def test_unknown_address(browser):
    response = browser.get("/admin/nothing/here/")
    assert seen(response) == (404, "This page was not found", True)
    assert "start from the first page" in text_of(response)


def test_missing_right(limited):
    response = limited("customers:read").get(PLANS)
    assert seen(response) == (403, "You may not do this", True)
    assert "ask a member of staff who manages roles" in text_of(response)


def test_unexpected_error(browser, monkeypatch):
    browser.raise_request_exception = False
    fail_with(monkeypatch, ZeroDivisionError("secret"))
    response = browser.get(PLANS)
    assert seen(response) == (500, "Something went wrong", True)
    assert "secret" not in text_of(response)


def test_error_of_a_page_that_the_menu_needs_too(browser, monkeypatch):
    browser.raise_request_exception = False

    def fail(*_args: object, **_options: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(PlanAdmin, "has_view_permission", fail)
    monkeypatch.setattr(ModelAdmin, "get_model_perms", fail)
    assert seen(browser.get(PLANS)) == (500, "Something went wrong", False)


def test_unreadable_request(browser, monkeypatch):
    fail_with(monkeypatch, SuspiciousOperation("secret"))
    assert seen(browser.get(PLANS)) == (400, "The request could not be read", True)


def test_error_of_a_service_that_no_form_shows(browser, monkeypatch):
    fail_with(monkeypatch, Conflict("The plan is in use."))
    response = browser.get(PLANS)
    assert seen(response) == (409, "This could not be done", True)
    assert "The plan is in use." in text_of(response)


def test_without_a_session_there_is_no_menu(database):
    page = Client(SERVER_NAME=HOST).get("/account/nothing")
    assert seen(page) == (404, "This page was not found", False)
    assert "copy the whole link" in text_of(page)


def test_form_with_an_outdated_token_comes_back_filled(staff):
    browser = browser_of(staff, enforce_csrf_checks=True)
    page = f"{PLANS}{Plan.objects.get(name='pro').pk}/change/"
    form = {**fields_of(browser.get(page), "plan_form"), "name": "premium", "csrfmiddlewaretoken": "x" * 64}
    response = browser.post(page, form, headers=SAME_ORIGIN)
    assert (response.status_code, response["location"]) == (302, page)
    assert fields_of(browser.get(page), "plan_form")["name"] == ["premium"]
    assert Plan.objects.filter(name="pro").exists()


@pytest.mark.parametrize(
    ("page", "form"),
    [("/admin/users/user/search/", {"q": "ann"}), (f"{PLANS}add/", {"name": "x" * 70_000})],
    ids=["accepts only POST", "too long to keep"],
)
def test_form_with_an_outdated_token_that_is_not_kept_says_so(staff, page, form):
    browser = browser_of(staff, enforce_csrf_checks=True)
    response = browser.post(page, {**form, "csrfmiddlewaretoken": "x" * 64}, headers=SAME_ORIGIN)
    assert seen(response) == (403, "This form is out of date", True)


def test_form_of_another_site_is_refused_and_not_kept(staff):
    browser = browser_of(staff, enforce_csrf_checks=True)
    response = browser.post(f"{PLANS}add/", {"name": "forged"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert seen(response) == (403, "This form is out of date", True)
    assert "forged" not in text_of(browser.get(f"{PLANS}add/"))


def test_signing_out_has_words_of_its_own(browser):
    page = text_of(browser.post("/admin/logout/"))
    assert ("quality time" in page, "You are signed out" in page) == (False, True)

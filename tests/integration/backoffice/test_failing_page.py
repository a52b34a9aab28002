"""A page of the admin that fails in the database reveals no values of rows, neither in the page nor in the log."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django.fixtures import Settings

from tests.support.factories import make_user
from tests.support.staff_client import browser_at

pytestmark = pytest.mark.integration

EMAIL = "hunter2@example.com"


def failing_page(_request: HttpRequest) -> HttpResponse:
    for name in ("one", "two"):
        make_user(email=EMAIL, username=name)
    return HttpResponse()


urlpatterns = [path("failing", failing_page)]


async def test_log_has_only_the_error_and_its_place(
    database: None, settings: Settings, caplog: pytest.LogCaptureFixture
):
    settings.ROOT_URLCONF = __name__
    response = await browser_at().get("/failing")
    assert (response.status_code, "hunter2" in response.text) == (500, False)
    assert "Internal Server Error: /failing" in caplog.text
    assert "UniqueViolation: message withheld" in caplog.text
    assert "in failing_page" in caplog.text
    assert "hunter2" not in caplog.text

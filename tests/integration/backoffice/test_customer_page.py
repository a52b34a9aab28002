"""The customer page: one place to read about a customer and to act, each part for those who may."""

import pytest
from django.test import Client

from tests.support.factories import make_user

pytestmark = pytest.mark.integration
CUSTOMERS = "/admin/customers/"
TABS = ("", "keys/", "credits/", "security/", "timeline/", "notes/")


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_has_an_address(browser: Client, tab: str):
    user = make_user(full_name="Ann Hand")
    response = browser.get(f"{CUSTOMERS}{user.pk}/{tab}")
    assert response.status_code == 200
    assert user.email in response.content.decode()

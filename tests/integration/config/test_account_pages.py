"""The pages that links in mail lead to, as the server renders them; e2e tests run their script."""

import pytest
from django.test import Client

from config.account_pages import PAGES

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_the_product_name(settings, name: str):
    settings.PRODUCT_NAME = "Acme"
    html = Client().get(f"/account/{name}").content.decode()
    assert f"<title>{PAGES[name].title.replace("'", '&#x27;')} - Acme</title>" in html
    assert 'data-product="Acme"' in html

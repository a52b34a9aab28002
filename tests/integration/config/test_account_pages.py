"""What the server puts into the pages that links in mail lead to; what their script does is told by e2e."""

import pytest
from django.test import Client

from config.account_pages import PAGES

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", PAGES)
def test_a_page_goes_by_the_name_of_the_product(settings, name: str):
    settings.PRODUCT_NAME = "Acme"
    html = Client().get(f"/account/{name}").content.decode()
    assert f"<title>{PAGES[name].title.replace("'", '&#x27;')} - Acme</title>" in html
    assert 'data-product="Acme"' in html

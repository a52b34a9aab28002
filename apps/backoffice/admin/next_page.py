"""Where a page leads when it is done."""

from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest
from django.urls import reverse


def next_page(request: HttpRequest) -> str:
    """Return the page of this host that the request names, or the first page of the admin."""
    return RedirectURLMixin().get_redirect_url(request) or reverse("admin:index")


def leading_to(page: str, following: str, **more: str) -> str:
    """Return the address of one of the admin's pages, by its name, that leads on to another page.

    `more` is what else its query says.
    """
    query = urlencode({REDIRECT_FIELD_NAME: following, **more} if following else more, safe="/")
    return f"{reverse(f'admin:{page}')}?{query}" if query else reverse(f"admin:{page}")

"""Navigation: the groups of lists in the menu and on the first page, and the page that follows a form."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest
from django.urls import reverse

from apps.core.declarations import menu_entries

# The groups, in order. Each app declares the group of each of its lists.
GROUPS = ("Customers", "Keys and credits", "Signing in", "Records")
OTHERS = "More"  # lists that no app has put into a group


def grouped(apps: Iterable[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Return Django's lists by group instead of by app. The list of the path is marked as current."""
    lists = {each["model"]._meta.label: each for app in apps for each in app["models"]}
    groups = [_group(name, [lists.pop(label) for label in labels_in(name) if label in lists], path) for name in GROUPS]
    return [group for group in (*groups, _group(OTHERS, list(lists.values()), path)) if group["models"]]


def labels_in(group: str) -> list[str]:
    """Return the labels of the models in the group."""
    declared = [entry for entry in menu_entries() if entry.group == group]
    entries = sorted(declared, key=lambda entry: entry.position)
    return [entry.model for entry in entries]


def next_page(request: HttpRequest) -> str:
    """Return the request's `next` URL if it is on this host, or the first page of the admin."""
    return RedirectURLMixin().get_redirect_url(request) or reverse("admin:index")


def url_with_next(page: str, following: str, **more: str) -> str:
    """Return the URL of an admin page, by its name, that continues to `following`; `more` is added to its query."""
    query = urlencode({REDIRECT_FIELD_NAME: following, **more} if following else more, safe="/")
    return f"{reverse(f'admin:{page}')}?{query}" if query else reverse(f"admin:{page}")


def _group(name: str, models: Sequence[dict[str, Any]], path: str) -> dict[str, Any]:
    shown = [{**each, "is_current": bool(each["admin_url"]) and path.startswith(each["admin_url"])} for each in models]
    return {"name": name, "models": shown}

"""Navigation: the groups of lists in the menu and on the first page, and the page that follows a form."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.declarations import MenuEntry, declared_account_links, menu_entries
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_approval_service
from apps.credits.schemas.credit_approval import ApprovalQuery

# The groups in order, with their icons. Each app declares the group of each of its lists.
GROUPS = {
    "Customers": "group",
    "API keys": "key",
    "Credits": "payments",
    "Plans": "sell",
    "Security": "shield",
    "Staff": "badge",
    "System": "settings",
}
OTHERS, OTHERS_ICON = "More", "more_horiz"  # lists that no app has put into a group or linked from an account


def grouped(apps: Iterable[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Return Django's lists by group instead of by app. The list of the path is marked as current.

    Lists that belong to one account are left out: they are reached from its page.
    """
    lists = {each["model"]._meta.label: each for app in apps for each in app["models"]}
    groups = [_group(name, _taken(lists, entries_of(name)), path, icon) for name, icon in GROUPS.items()]
    others = [each for label, each in lists.items() if label not in linked_from_accounts()]
    return [group for group in (*groups, _group(OTHERS, others, path, OTHERS_ICON)) if group["models"]]


def path_in_menu(path: str) -> str:
    """Return the path of the list that the menu marks: the customer page belongs to the list of customers."""
    is_customer = path.startswith(f"{reverse('admin:index')}customers/")
    return reverse("admin:users_user_changelist") if is_customer else path


def entries_of(group: str) -> list[MenuEntry]:
    """Return the lists in the group, in order."""
    return sorted((entry for entry in menu_entries() if entry.group == group), key=lambda entry: entry.position)


def linked_from_accounts() -> set[str]:
    """Return the labels of the models whose lists are linked from the page of each account."""
    return {link.model for link in declared_account_links()}


def waiting_approvals(request: HttpRequest) -> int:
    """Return how many postings of credits wait for a second person, 0 for staff who may not read them."""
    actor = acting_staff(request)
    if not actor.has_scope(CREDITS_READ):
        return 0
    return call_service(credit_approval_service().page, actor, ApprovalQuery(state="pending", size=1)).total


def next_page(request: HttpRequest) -> str:
    """Return the request's `next` URL if it is on this host, or the first page of the admin."""
    return RedirectURLMixin().get_redirect_url(request) or reverse("admin:index")


def url_with_next(page: str, following: str, **more: str) -> str:
    """Return the URL of an admin page, by its name, that continues to `following`; `more` is added to its query."""
    query = urlencode({REDIRECT_FIELD_NAME: following, **more} if following else more, safe="/")
    return f"{reverse(f'admin:{page}')}?{query}" if query else reverse(f"admin:{page}")


def _taken(lists: dict[str, dict[str, Any]], entries: Iterable[MenuEntry]) -> list[dict[str, Any]]:
    """Remove the entries' lists from `lists`, and return them under the names that the entries give them."""
    found = ((entry, lists.pop(entry.model)) for entry in entries if entry.model in lists)
    return [{**each, "name": entry.label or each["name"]} for entry, each in found]


def _group(name: str, models: Sequence[dict[str, Any]], path: str, icon: str) -> dict[str, Any]:
    """Return the group; one that has only the list of its own name is a link without a heading."""
    shown = [{**each, "is_current": bool(each["admin_url"]) and path.startswith(each["admin_url"])} for each in models]
    return {"name": name, "icon": icon, "models": shown, "is_link": [str(each["name"]) for each in shown] == [name]}

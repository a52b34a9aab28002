"""The buttons of the customer page, and its links to other pages. Each is shown to those who may use it."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin.account_links import Link, account_links
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_GRANT
from apps.users.schemas.account_overview import AccountOverview

# Operations on accounts, by name: those in the head of the page, and those on the tab “Security”. All others, also of
# apps that are added, are under “More”.
FIRST = ("change_plan", "deactivate", "activate", "restore")
SECURITY = (
    "unlock",
    "end_all_sessions",
    "reset_second_factors",
    "remove_totp",
    "send_verification",
    "send-password-reset",
)


def account_pages(site: AdminSite) -> Any:
    """Return the admin pages of accounts."""
    return site.get_model_admin(get_user_model())


def first_actions(request: HttpRequest, pages: Any, account: AccountOverview) -> list[Link]:
    """Return the actions in the head: credits, a key, the plan, and suspending or what undoes it."""
    own = [] if account.deleted_at else _own_actions(request, account)
    return [*own, *_operations(request, pages, account, FIRST)]


def more_actions(request: HttpRequest, pages: Any, account: AccountOverview) -> list[Link]:
    """Return the operations that are neither in the head nor on the tab “Security”, and the deletion."""
    others = {operation.name for operation in pages.offered_operations} - {*FIRST, *SECURITY}
    found = _operations(request, pages, account, others)
    if pages.has_delete_permission(request, account):
        found.append(Link("Delete", reverse(pages.url_name("delete"), args=[account.id])))
    return found


def security_actions(request: HttpRequest, pages: Any, account: AccountOverview) -> dict[str, Link]:
    """Return the operations on the tab “Security”, by name with `_` for `-`. The tab shows those that apply."""
    return {
        operation.name.replace("-", "_"): Link(operation.label, pages.operation_url(operation, [account.id]))
        for operation in pages.allowed_operations(request, SECURITY)
    }


def page_links(request: HttpRequest, account: AccountOverview) -> dict[str, list[Link]]:
    """Return the links to the lists of what belongs to the account, by group."""
    return {group: list(links) for group, links in account_links(request, account).items()}


def _own_actions(request: HttpRequest, account: AccountOverview) -> list[Link]:
    actor, user = acting_staff(request), request.user
    found = []
    if actor.has_scope(CREDITS_GRANT) or actor.has_scope(CREDITS_ADJUST):
        page = reverse("admin:credits_creditbalance_post_selected")
        found.append(Link("Grant credits", f"{page}?{urlencode({'id': account.id})}"))
    if user.has_perm("api_keys.add_apikey"):
        page = reverse("admin:api_keys_apikey_add")
        found.append(Link("Create key", f"{page}?{urlencode({'user': account.id})}"))
    return found


def _operations(request: HttpRequest, pages: Any, account: AccountOverview, names: Collection[str]) -> list[Link]:
    return [
        Link(operation.label, pages.operation_url(operation, [account.id]))
        for operation in pages.allowed_operations(request, names)
        if operation.applies(account)
    ]

"""Links to the customer page of an account, and from it to the account's rows in other apps."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import SECURITY_READ
from apps.core.declarations import AccountLink, declared_account_links

SCOPES_OF_TABS = {"security": SECURITY_READ}  # the tabs that operations return to


class Link(NamedTuple):
    """A link to display."""

    label: str
    url: str


def customer_url(request: HttpRequest, user_id: int, tab: str = "") -> str:
    """Return the URL of an account's customer page, or of a tab of it that the signed-in member of staff may open."""
    scope = SCOPES_OF_TABS.get(tab)
    is_open = scope is not None and acting_staff(request).has_scope(scope)
    return reverse(f"admin:customer_{tab}" if is_open else "admin:customer", args=[user_id])


def account_links(request: HttpRequest, user: Any) -> Mapping[str, Sequence[Link]]:
    """Return the links that the signed-in staff member may follow, by group."""
    groups: dict[str, list[Link]] = defaultdict(list)
    for link in declared_account_links():
        if _is_shown(link, request, user):
            groups[link.group].append(Link(link.label, _url(link, user.pk)))
    return dict(groups)


def _is_shown(link: AccountLink, request: HttpRequest, user: Any) -> bool:
    staff: Any = request.user
    may_follow = any(staff.has_perm(permission) for permission in link.permissions)
    return may_follow and not (link.is_hidden_when_deleted and user.deleted_at)


def _url(link: AccountLink, user_id: int) -> str:
    if not link.parameter:
        return reverse(link.url_name, args=[user_id])
    return f"{reverse(link.url_name)}?{urlencode({link.parameter: user_id})}"

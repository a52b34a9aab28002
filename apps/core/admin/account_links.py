"""Links from an account's admin page to the account's rows in other apps."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from apps.core.declarations import AccountLink, declared_account_links


class Link(NamedTuple):
    """A link to display."""

    label: str
    url: str


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

"""Conditional requests: `ETag` on responses, `If-Match` on requests (RFC 9110, 13.1.1).

There is no 304: the tag does not change with what the use of a resource changes (`apps/core/entity_tags.py`), so
a cached response could be out of date.
"""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja import Status

from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.core.errors import MalformedRequest
from apps.core.schemas.base import VersionedOut

View = Callable[..., Awaitable[Any]]
ANY = "*"
# An element of the list, which may be empty, and the comma or the end after it (RFC 9110, 5.6.1 and 8.8.3).
_ELEMENT = re.compile(r'[ \t]*(?P<tag>(?:W/)?"[\x21\x23-\x7e\x80-\xff]*")?[ \t]*(?:,|$)')
_ATTRIBUTE = "entity_tag"
PARAMETER = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Entity tags, as `ETag` had them. The resource must still have one of them; otherwise 412.",
}
HEADER = {
    "ETag": {
        "schema": {"type": "string"},
        "description": "The version of the resource, for `If-Match`. It stays when the resource is only used.",
    }
}


def if_match(request: HttpRequest) -> Precondition:
    """Return the precondition of the request's `If-Match`, of all its lines. Raises MalformedRequest.

    Weak tags never match (8.8.3.2). `*` matches every resource that exists.
    """
    text = request.headers.get("If-Match")
    if text is None or text.strip() == ANY:
        return ANY_VERSION
    return Precondition(frozenset(_tags(text)))


def with_entity_tag(view: View) -> View:
    """Return the view of an operation that also gives the version of the resource that it returns."""

    @wraps(view)
    async def tagged(request: HttpRequest, *args: Any, **values: Any) -> Any:
        result = await view(request, *args, **values)
        resource = result.value if isinstance(result, Status) else result
        if isinstance(resource, VersionedOut):
            setattr(request, _ATTRIBUTE, resource.entity_tag)
        return result

    return tagged


def entity_tag_headers(request: HttpRequest) -> dict[str, str]:
    """Return the header with the version of the resource that the request's operation has returned, if there is one."""
    tag: str | None = getattr(request, _ATTRIBUTE, None)
    return {"ETag": tag} if tag else {}


def _tags(text: str) -> list[str]:
    tags, position = [], 0
    while position < len(text):
        element = _ELEMENT.match(text, position)
        if element is None:
            raise MalformedRequest('If-Match must be *, or entity tags in quotes, as ETag had them: "abc", "def".')
        tags += [element["tag"]] if element["tag"] else []
        position = element.end()
    return tags

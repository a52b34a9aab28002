"""Pages of the admin: their URLs, texts and errors."""

from html import unescape
from html.parser import HTMLParser
from typing import Any, override

from apps.audit.models import AuditEvent

KEYS = "/admin/api_keys/apikey/"
USERS = "/admin/users/user/"
CUSTOMERS = "/admin/customers/"
STAFF = "/admin/users/staffmember/"
PLANS = "/admin/plans/plan/"
ROLES = "/admin/users/role/"
SESSIONS = "/admin/authentication/session/"
EVENTS = "/admin/audit/auditevent/"


def text_of(response: Any) -> str:
    """Return the page, with its entities resolved."""
    return unescape(response.content.decode())


def form_errors(response: Any) -> dict[str, list[str]]:
    """Return the errors of the page's form, by field."""
    assert response.status_code == 200
    context = response.context
    form = context["adminform"].form if "adminform" in context else context["form"]
    return {field: [str(error) for error in errors] for field, errors in form.errors.items()}


def only_event(**conditions: Any) -> AuditEvent:
    """Return the one audit event of this kind."""
    return AuditEvent.objects.get(**conditions)


class _Controls(HTMLParser):
    """Collects what a browser sends for the form with this id, or for the first form that is a POST."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._form_id = form_id
        self._is_inside = False
        self._select: tuple[str, bool] | None = None
        self._text: tuple[str, list[str]] | None = None

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = found.get("id") == self._form_id
        elif self._is_inside:
            self._control(tag, found)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea" and self._text:
            name, parts = self._text
            # The first line feed is none of its value.
            self._add(name, "".join(parts).removeprefix("\n"))
            self._text = None

    @override
    def handle_data(self, data: str) -> None:
        if self._text:
            self._text[1].append(data)

    def _control(self, tag: str, found: dict[str, str]) -> None:
        kind = found.get("type", "text")
        if tag == "textarea":
            self._text = (found["name"], [])
        elif tag == "select":
            self._select = (found["name"], "multiple" in found)
        elif tag == "option" and self._select and "selected" in found:
            self._add(self._select[0], found.get("value", ""))
        elif tag == "input" and (kind not in {"checkbox", "radio", "submit"} or "checked" in found):
            self._add(found["name"], found.get("value", "on" if kind in {"checkbox", "radio"} else ""))

    def _add(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(value.replace("\r\n", "\n").replace("\n", "\r\n"))


def fields_of(response: Any, form_id: str) -> dict[str, list[str]]:
    """Return the fields of the page's form as a browser sends them."""
    controls = _Controls(form_id)
    controls.feed(response.content.decode())
    controls.close()
    assert controls.sent
    return controls.sent

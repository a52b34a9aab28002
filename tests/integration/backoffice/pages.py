"""Pages of the admin: their URLs, texts and errors."""

from html import unescape
from typing import Any

from apps.audit.models import AuditEvent

KEYS = "/admin/api_keys/apikey/"
USERS = "/admin/users/user/"
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

"""The groups in which the admin's lists stand, in its header and on its first page."""

from collections.abc import Iterable, Sequence
from typing import Any

GROUPS = {
    "Customers": ("users.User", "users.Invitation", "users.Role"),
    "Keys and credits": ("api_keys.ApiKey", "plans.Plan", "credits.CreditBalance", "credits.CreditTransaction"),
    "Signing in": (
        "authentication.Session",
        "second_factors.Passkey",
        "second_factors.TotpDevice",
        "identities.Identity",
    ),
    "Records": ("audit.AuditEvent", "mail.OutgoingMail"),
}
# A list that nobody has put into a group is not lost.
OTHERS = "More"


def grouped(apps: Iterable[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Return Django's lists, given by app, by group; the one that the address lies in is the current one."""
    lists = {each["model"]._meta.label: each for app in apps for each in app["models"]}
    groups = [_group(name, [lists.pop(label) for label in GROUPS[name] if label in lists], path) for name in GROUPS]
    return [group for group in (*groups, _group(OTHERS, list(lists.values()), path)) if group["models"]]


def _group(name: str, models: Sequence[dict[str, Any]], path: str) -> dict[str, Any]:
    shown = [{**each, "is_current": bool(each["admin_url"]) and path.startswith(each["admin_url"])} for each in models]
    return {"name": name, "models": shown, "is_current": any(each["is_current"] for each in shown)}

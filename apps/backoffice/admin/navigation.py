"""The groups in which the admin's lists stand, in its header and on its first page."""

from collections.abc import Iterable, Sequence
from typing import Any

from apps.core.declarations.installed import app_declarations

# The groups in their order; each app declares which of its lists stand in which.
GROUPS = ("Customers", "Keys and credits", "Signing in", "Records")
OTHERS = "More"  # lists that no app has put into a group


def grouped(apps: Iterable[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Return Django's lists, given by app, by group; the one that the path lies in is the current one."""
    lists = {each["model"]._meta.label: each for app in apps for each in app["models"]}
    groups = [_group(name, [lists.pop(label) for label in labels_in(name) if label in lists], path) for name in GROUPS]
    return [group for group in (*groups, _group(OTHERS, list(lists.values()), path)) if group["models"]]


def labels_in(group: str) -> list[str]:
    """Return the labels of the models whose lists stand in the group."""
    declared = (entry for declaration in app_declarations().values() for entry in declaration.menu)
    entries = sorted((entry for entry in declared if entry.group == group), key=lambda entry: entry.position)
    return [entry.model for entry in entries]


def _group(name: str, models: Sequence[dict[str, Any]], path: str) -> dict[str, Any]:
    shown = [{**each, "is_current": bool(each["admin_url"]) and path.startswith(each["admin_url"])} for each in models]
    return {"name": name, "models": shown, "is_current": any(each["is_current"] for each in shown)}

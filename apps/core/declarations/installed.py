"""The declarations of the installed apps, in the order of INSTALLED_APPS: an app precedes the apps it may import."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from apps.core.conventions.own_apps import own_apps
from apps.core.declarations.app_declaration import AppDeclaration, AuditKind, CleanUpTask


@cache
def app_declarations() -> dict[str, AppDeclaration]:
    """Return the declarations by app label. Requires that Django is set up."""
    found = {}
    for config in own_apps():
        name = f"{config.name}.declaration"
        if find_spec(name) is not None:
            found[config.label] = import_module(name).DECLARATION
    return found


@cache
def audit_kinds() -> dict[str, AuditKind]:
    """Return the target kinds of the audit trail, by name."""
    return {kind.name: kind for declaration in app_declarations().values() for kind in declaration.audit_kinds}


def clean_up_tasks() -> list[CleanUpTask]:
    """Return the clean-up tasks of all apps."""
    return [task for declaration in app_declarations().values() for task in declaration.clean_up_tasks]

"""Keyhouse's own apps among the installed ones. The conventions apply to them and not to libraries."""

from collections.abc import Iterable, Iterator, Sequence

from django.apps import AppConfig, apps
from django.db.models import Model

OWN_PACKAGE = "apps."


def is_own_app(label: str) -> bool:
    """Return whether the app with this label is Keyhouse's own; False for an unknown label."""
    return any(config.label == label for config in own_apps())


def own_apps(selected: Iterable[AppConfig] | None = None) -> Iterator[AppConfig]:
    """Yield Keyhouse's own apps, limited to the selected apps if given."""
    candidates = apps.get_app_configs() if selected is None else selected
    return (config for config in candidates if config.name.startswith(OWN_PACKAGE))


def own_models(selected: Sequence[AppConfig] | None = None) -> Iterator[type[Model]]:
    """Yield the models of Keyhouse's own apps, without Django's automatic many-to-many tables."""
    for config in own_apps(selected):
        yield from config.get_models()

"""Contracts of import-linter that read the apps from `config/installed_apps.py`.

`pyproject.toml` registers them as contract types, so that it names no app.
"""

from typing import Any, override

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

from config.installed_apps import APP_LAYERS, OWN_APPS

# Core has packages and layers of its own, and every app imports them.
APPS_ABOVE_CORE = [name for name in OWN_APPS if name != "apps.core"]


class ContractOfApps(Contract):
    """A contract some of whose options are filled from the list of the apps."""

    filled: dict[str, Any]

    @override
    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, {**contract_options, **self.filled})


class LayeredApps(ContractOfApps, LayersContract):
    """The apps are the layers."""

    filled = {"containers": ["apps"], "layers": [" | ".join(layer) for layer in APP_LAYERS]}


class LayersInEachApp(ContractOfApps, LayersContract):
    """The layers stand in each app."""

    filled = {"containers": APPS_ABOVE_CORE}


class ForbiddenToApps(ContractOfApps, ForbiddenContract):
    """Each app is a source."""

    filled = {"source_modules": APPS_ABOVE_CORE}

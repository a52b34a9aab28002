"""The apps of the project, and which may import which: adding an app edits this list and no other.

`settings.INSTALLED_APPS`, the import contracts (`tests/architecture/import_contracts.py`) and the tests read it.
"""

# From top to bottom, by label: an app imports only apps of the layers below its own.
APP_LAYERS: list[list[str]] = [
    ["backoffice"],
    ["oauth"],
    ["personal_data"],
    ["verification"],
    ["identities"],
    ["authentication"],
    ["second_factors"],
    ["api_keys"],
    ["credits", "usage"],
    ["users"],
    ["plans", "one_time_tokens", "mail"],
    ["audit"],
    ["core"],
]

OWN_APPS = [f"apps.{label}" for layer in APP_LAYERS for label in layer]

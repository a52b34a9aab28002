"""The apps of the project, in layers of allowed imports. To add an app, edit this list only.

`settings.INSTALLED_APPS`, the import contracts (`tests/architecture/import_contracts.py`) and the tests read it.
"""

# From top to bottom, by label. An app may import only apps of lower layers.
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
    ["plans", "one_time_tokens", "mail", "idempotency"],
    ["audit"],
    ["core"],
]

OWN_APPS = [f"apps.{label}" for layer in APP_LAYERS for label in layer]

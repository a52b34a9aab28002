"""The providers, as they stand on buttons."""

from apps.core.schemas.base import ResponseSchema


class ProviderOut(ResponseSchema):
    """A provider: `name` stands in addresses, `label` on the button."""

    name: str
    label: str


class ProvidersOut(ResponseSchema):
    """All of them, in the operator's order."""

    items: list[ProviderOut]

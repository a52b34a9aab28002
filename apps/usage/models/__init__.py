"""Usage events and refused calls."""

from apps.usage.models.usage_denial import UsageDenial
from apps.usage.models.usage_event import UsageEvent

__all__ = ["UsageDenial", "UsageEvent"]

"""Usage."""

from apps.usage.models.usage_event import UsageEvent

__all__ = ["UsageEvent"]

"""Usage, and counts of refused calls."""

from apps.usage.models.usage_batch import UsageBatch
from apps.usage.models.usage_denial import UsageDenial
from apps.usage.models.usage_event import UsageEvent
from apps.usage.models.usage_record import UsageRecord

__all__ = ["UsageBatch", "UsageDenial", "UsageEvent", "UsageRecord"]

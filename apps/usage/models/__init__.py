"""Usage, counts of refused calls, and samples of them."""

from apps.usage.models.refusal import Refusal
from apps.usage.models.usage_batch import UsageBatch
from apps.usage.models.usage_denial import UsageDenial
from apps.usage.models.usage_event import UsageEvent
from apps.usage.models.usage_record import UsageRecord

__all__ = ["Refusal", "UsageBatch", "UsageDenial", "UsageEvent", "UsageRecord"]

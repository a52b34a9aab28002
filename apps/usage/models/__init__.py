"""Usage, its rollups, counts of refused calls, and samples of them."""

from apps.usage.models.customer_usage_day import CustomerUsageDay
from apps.usage.models.denial_quarter import DenialQuarter
from apps.usage.models.key_usage_quarter import KeyUsageQuarter
from apps.usage.models.refusal import Refusal
from apps.usage.models.tag_usage_quarter import TagUsageQuarter
from apps.usage.models.usage_batch import UsageBatch
from apps.usage.models.usage_denial import UsageDenial
from apps.usage.models.usage_event import UsageEvent
from apps.usage.models.usage_record import UsageRecord
from apps.usage.models.usage_rollup import UsageRollup

__all__ = [
    "CustomerUsageDay",
    "DenialQuarter",
    "KeyUsageQuarter",
    "Refusal",
    "TagUsageQuarter",
    "UsageBatch",
    "UsageDenial",
    "UsageEvent",
    "UsageRecord",
    "UsageRollup",
]

"""Base models, and what the core keeps for itself."""

from apps.core.models.rate_limit_counter import RateLimitCounter
from apps.core.models.timestamped_model import TimestampedModel

__all__ = ["RateLimitCounter", "TimestampedModel"]

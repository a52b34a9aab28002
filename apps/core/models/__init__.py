"""Base models, and the model of core's own table."""

from apps.core.models.owned_model import OwnedModel
from apps.core.models.rate_limit_counter import RateLimitCounter
from apps.core.models.timestamped_model import TimestampedModel

__all__ = ["OwnedModel", "RateLimitCounter", "TimestampedModel"]

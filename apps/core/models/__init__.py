"""Base models, and the models of core's own tables."""

from apps.core.models.owned_model import OwnedModel
from apps.core.models.rate_limit_counter import RateLimitCounter
from apps.core.models.secret_key_fingerprint import SecretKeyFingerprint
from apps.core.models.timestamped_model import TimestampedModel

__all__ = ["OwnedModel", "RateLimitCounter", "SecretKeyFingerprint", "TimestampedModel"]

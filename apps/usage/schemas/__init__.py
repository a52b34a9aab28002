"""What goes out about usage."""

from apps.usage.schemas.refused_calls import RefusedCalls
from apps.usage.schemas.used_calls import UsedCalls

__all__ = ["RefusedCalls", "UsedCalls"]

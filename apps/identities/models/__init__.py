"""Identities, and whom they are read from."""

from apps.identities.models.identity import Identity
from apps.identities.models.profile import Profile

__all__ = ["Identity", "Profile"]

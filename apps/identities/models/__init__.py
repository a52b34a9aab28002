"""Identities."""

from apps.identities.models.identity import Identity

__all__ = ["Identity"]

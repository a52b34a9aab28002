"""Revoked tokens."""

from apps.oauth.models.revoked_token import RevokedToken

__all__ = ["RevokedToken"]

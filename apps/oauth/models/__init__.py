"""Tokens that were called back."""

from apps.oauth.models.revoked_token import RevokedToken

__all__ = ["RevokedToken"]

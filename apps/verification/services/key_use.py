"""The former name of `KeyAuthenticationResult`, for apps/oauth and config until they use the new one."""

from apps.verification.services.key_authentication import KeyAuthenticationResult as KeyUse

__all__ = ["KeyUse"]

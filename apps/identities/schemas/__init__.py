"""What goes in and out of signing in with other providers."""

from apps.identities.schemas.callback_query import CallbackQuery
from apps.identities.schemas.code_exchange import CodeExchange
from apps.identities.schemas.identity_out import IdentityOut
from apps.identities.schemas.provider_out import ProviderOut, ProvidersOut
from apps.identities.schemas.start_query import StartQuery

__all__ = ["CallbackQuery", "CodeExchange", "IdentityOut", "ProviderOut", "ProvidersOut", "StartQuery"]

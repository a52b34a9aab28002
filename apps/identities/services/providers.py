"""The configured providers, by name."""

from collections.abc import Sequence

from apps.core.errors import NotFound
from apps.identities.domain.provider import Provider, ProviderKind
from apps.identities.services.claims import speaks_for
from apps.identities.services.github_client import GitHubClient
from apps.identities.services.openid_client import OpenIdClient
from apps.identities.services.provider_client import ProviderClient
from apps.identities.services.provider_http import ProviderHttp


class Providers:
    """Finds the client for a provider by its name."""

    def __init__(self, configured: Sequence[Provider], http: ProviderHttp) -> None:
        self._clients = {provider.name: _client(provider, http) for provider in configured}

    def all(self) -> list[Provider]:
        """Return the providers in the operator's order."""
        return [client.provider for client in self._clients.values()]

    def client(self, name: str) -> ProviderClient:
        """Return the client; raises NotFound."""
        if name not in self._clients:
            raise NotFound("No provider has this name.")
        return self._clients[name]

    def is_configured(self, name: str, issuer: str) -> bool:
        """Return whether identities of this issuer can be signed in with under the provider's name."""
        client = self._clients.get(name)
        return client is not None and speaks_for(client.provider, issuer)


def _client(provider: Provider, http: ProviderHttp) -> ProviderClient:
    return (GitHubClient if provider.kind is ProviderKind.GITHUB else OpenIdClient)(provider, http)

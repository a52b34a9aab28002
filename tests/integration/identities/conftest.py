"""Two real providers, and a Keyhouse that knows them."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest

from apps.identities.domain.provider import Provider, ProviderKind
from tests.support.configured_providers import configured_providers
from tests.support.openid_provider import (
    ALGORITHMS,
    CLIENT_ID,
    CLIENT_SECRET,
    TIMED_CLIENT_ID,
    RunningProvider,
    openid_provider,
)
from tests.support.server import free_port
from tests.support.sign_in_flow import OWN_URL, Browser

NAMES = ("acme", "mallory", "wrong", "timed", *ALGORITHMS)


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[RunningProvider, RunningProvider]]:
    """The providers of acme and of mallory."""
    callbacks = [f"{OWN_URL}/api/v1/auth/oauth/{name}/callback" for name in NAMES]
    with ExitStack() as stack:
        yield stack.enter_context(openid_provider(callbacks)), stack.enter_context(openid_provider(callbacks))


@pytest.fixture
def providers(running, settings) -> Iterator[dict[str, Provider]]:
    """The configured providers: acme, mallory, acme in other roles, and one that is unavailable."""
    acme = Provider(
        "acme", "Acme", ProviderKind.OPENID, running[0].issuer, "openid email profile", CLIENT_ID, CLIENT_SECRET
    )
    configured = (
        acme,
        replace(acme, name="mallory", label="Mallory", issuer=running[1].issuer),
        replace(acme, name="wrong", client_secret="another"),
        replace(acme, name="timed", client_id=TIMED_CLIENT_ID),
        *(replace(acme, name=name, client_id=f"{CLIENT_ID}-{name}") for name in ALGORITHMS),
        replace(acme, name="unavailable", issuer=f"http://127.0.0.1:{free_port()}"),
    )
    with configured_providers(settings, configured):
        yield {provider.name: provider for provider in configured}


@pytest.fixture
def browser(providers, api: httpx.AsyncClient) -> Browser:
    """Alice's browser."""
    return Browser(api)

"""Configures the identity providers of this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from apps.identities import dependencies
from apps.identities.domain.provider import Provider
from tests.support.sign_in_flow import OWN_URL, RETURN_TO


@contextmanager
def configured_providers(settings: Any, providers: Sequence[Provider]) -> Iterator[None]:
    """Configure the providers for the block. `settings` is pytest-django's fixture."""
    settings.PUBLIC_URL = OWN_URL
    settings.OAUTH_PROVIDERS = tuple(providers)
    settings.OAUTH_REDIRECT_ALLOWLIST = frozenset({RETURN_TO})
    _clear_caches()
    try:
        yield
    finally:
        _clear_caches()


def _clear_caches() -> None:
    for dependency in vars(dependencies).values():
        if hasattr(dependency, "cache_clear") and dependency.__module__ == dependencies.__name__:
            dependency.cache_clear()

"""The settings of the API application and the admin application."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.values.ip_addresses import Network


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings that depend on the deployment. Sizes are in bytes, times in seconds."""

    trusted_proxies: Sequence[Network] = ()
    # Django's ALLOWED_HOSTS. Any host by default, for applications that are composed without Django's settings.
    allowed_hosts: tuple[str, ...] = ("*",)
    allowed_origins: frozenset[str] = frozenset()
    https_only: bool = False
    strict_transport_security: str = ""  # the header's value
    body_bytes_maximum: int = 1024 * 1024
    response_seconds_maximum: float = 20
    admin_requests_maximum: int = 8

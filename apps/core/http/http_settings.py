"""What both doors must know of the deployment."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.values.ip_addresses import Network


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The deployment as a door sees it; sizes are in bytes."""

    trusted_proxies: Sequence[Network] = ()
    allowed_origins: frozenset[str] = frozenset()
    https_only: bool = False
    access_log: bool = True
    body_bytes_maximum: int = 1024 * 1024
    answer_seconds_maximum: float = 20
    staff_requests_maximum: int = 8

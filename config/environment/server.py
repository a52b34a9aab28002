"""The server and its network: mode, address, hosts, proxies, HTTPS, logging and the secret key."""

import secrets
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from config.environment.hosts import allowed_host, canonical_origin, each, proxy_network
from config.environment.variables import CommaSeparated, EnvironmentSettings

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]
STATE_DIRECTORY = PROJECT_DIRECTORY / ".keyhouse"
SECRET_KEY_LENGTH_MINIMUM = 50
HSTS_SECONDS = 365 * 24 * 3600


ALLOWED_HOST = each(allowed_host, "a host name such as api.example.com or .example.com, without scheme, port and path")
ORIGIN = each(canonical_origin, "an origin such as https://app.example.com")
NETWORK = each(proxy_network, "an IP address or a network such as 10.0.0.0/8 (and not /0, which trusts every client)")

RETENTION_DAYS_MINIMUM = 32


def _is_long_enough(days: int) -> int:
    if 0 < days < RETENTION_DAYS_MINIMUM:
        raise ValueError(f"must be 0, which keeps all, or at least {RETENTION_DAYS_MINIMUM}")
    return days


class ServerSettings(EnvironmentSettings):
    """The server. ENVIRONMENT=production rejects the defaults of development."""

    environment: Literal["development", "production"] = "development"
    secret_key: str = Field(default="", repr=False)
    secret_key_fallbacks: CommaSeparated = Field(default=[], repr=False)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    # Longer than proxies keep an idle connection, by default 60 seconds: a proxy would send a request on a connection
    # that is being closed.
    keep_alive_seconds: int = Field(default=75, ge=1, le=3600)
    connections_maximum: int = Field(default=1024, ge=16, le=65536)
    # Of a verification. Far below the day for which its request id is kept, after which the id would be charged again.
    request_id_retry_seconds: int = Field(default=60, ge=1, le=3600)
    # Samples of refused calls: how many of each key are kept, and for how long. For as long, a call is found by its id.
    refusals_per_key: int = Field(default=50, ge=0, le=1000)
    call_history_hours: int = Field(default=24, ge=1, le=24 * 31)
    # Of usage events: 0 keeps all. Calls are found by their ids, and personal data has usage by day, for up to 31 days.
    usage_retention_days: Annotated[int, AfterValidator(_is_long_enough)] = Field(default=0, ge=0, le=36500)
    connections_per_address: int | None = Field(default=None, ge=1, le=65536)
    allowed_hosts: Annotated[CommaSeparated, ALLOWED_HOST] = []
    cors_allowed_origins: Annotated[CommaSeparated, ORIGIN] = []
    trusted_proxies: Annotated[CommaSeparated, NETWORK] = []
    https_only: bool | None = None
    hsts_include_subdomains: bool = False
    hsts_preload: bool = False
    access_log: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def is_production(self) -> bool:
        """Whether the defaults of development are rejected."""
        return self.environment == "production"

    @property
    def connections_per_address_maximum(self) -> int:
        """How many connections a client address may have; by default half, so that no one address takes all."""
        return self.connections_per_address or self.connections_maximum // 2

    @property
    def serves_https_only(self) -> bool:
        """Whether browsers are redirected to HTTPS; on in production unless HTTPS_ONLY=false."""
        return self.is_production if self.https_only is None else self.https_only

    @property
    def strict_transport_security(self) -> str:
        """The header that keeps browsers to HTTPS (RFC 6797, 6.1), empty unless only HTTPS is served."""
        if not self.serves_https_only:
            return ""
        options = {"includeSubDomains": self.hsts_include_subdomains, "preload": self.hsts_preload}
        return "; ".join([f"max-age={HSTS_SECONDS}", *(name for name, is_on in options.items() if is_on)])

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies with trusted Forwarded and X-Forwarded-* headers."""
        return tuple(ip_network(network) for network in self.trusted_proxies)

    @property
    def served_hosts(self) -> list[str]:
        """Django's ALLOWED_HOSTS; by default the local host in development."""
        return self.allowed_hosts or ["localhost", ".localhost", "127.0.0.1", "[::1]", self.host]

    @property
    def signing_secret(self) -> str:
        """Django's SECRET_KEY; by default the checkout's own in development."""
        return self.secret_key or development_secret_key(STATE_DIRECTORY)

    @model_validator(mode="after")
    def _preload_includes_subdomains(self) -> Self:
        if self.hsts_preload and not self.hsts_include_subdomains:
            raise ValueError("HSTS_PRELOAD requires HSTS_INCLUDE_SUBDOMAINS: browsers preload whole domains only")
        return self

    @model_validator(mode="after")
    def _production_has_a_key_and_hosts(self) -> Self:
        if not self.is_production:
            return self
        if len(self.secret_key) < SECRET_KEY_LENGTH_MINIMUM:
            raise ValueError(
                f"SECRET_KEY must have at least {SECRET_KEY_LENGTH_MINIMUM} random characters in production"
            )
        if any(len(key) < SECRET_KEY_LENGTH_MINIMUM for key in self.secret_key_fallbacks):
            raise ValueError("SECRET_KEY_FALLBACKS must be former keys, separated by commas; one is too short")
        if not self.allowed_hosts or "*" in self.allowed_hosts:
            raise ValueError("ALLOWED_HOSTS must be set in production, to the served hosts, separated by commas")
        return self


def development_secret_key(directory: Path) -> str:
    """Return the checkout's own secret key. The first start generates it, readable by its owner only."""
    path = directory / "secret_key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / f"secret_key.{secrets.token_hex(8)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        with suppress(FileExistsError):  # exactly one of several first starts wins
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()

"""The environment, typed and validated once at start.

Every setting an operator may change is a field here, but for OAUTH_<NAME>_…, whose names the operator chooses
(`sign_in_providers.py`). A wrong or missing value stops the start with one line that names the variable;
production (`ENVIRONMENT=production`) refuses the conveniences of development.
"""

import re
import secrets
import sys
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS
from apps.users.repositories.breached_password_file import BreachedPasswordFile
from apps.users.services.context_word_validator import WORD_LENGTH_MINIMUM
from config.environment.cache_url import redis_url
from config.environment.mail_sender import default_sender, mailbox
from config.environment.mail_url import mail_url
from config.environment.passkeys import default_domain, default_origins, passkey_domain, unfit_origin
from config.environment.web_address import reachable, web_address

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]
STATE_DIRECTORY = PROJECT_DIRECTORY / ".keyhouse"
SECRET_KEY_LENGTH_MINIMUM = 50
DAY_SECONDS = 24 * 3600
STAFF_SESSION_SECONDS_MINIMUM = 5 * 60  # use is written down once a minute

CommaSeparated = Annotated[list[str], NoDecode]
WebAddress = Annotated[str, AfterValidator(web_address)]
MailUrl = Annotated[SecretStr, AfterValidator(mail_url)]
Domain = Annotated[str, AfterValidator(passkey_domain)]
Mailbox = Annotated[str, AfterValidator(mailbox)]


def _shaped(pattern: str, expectation: str) -> AfterValidator:
    """Return a validator that says in words what is expected, where Pydantic would show the pattern."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(expectation)
        return value

    return AfterValidator(check)


ProductName = Annotated[
    str,
    _shaped(
        r"\w([\w .&+'-]{0,58}[\w.])?", "must be at most 60 letters, digits, spaces and .&+'-, a letter or digit first"
    ),
]
Rate = Annotated[
    str, _shaped(r"[1-9]\d*/([1-9]\d*)?[smhd]", "must be a number and a period, such as 5/m or 100/10m (s, m, h, d)")
]


class Environment(BaseSettings):
    """What the operator decided; read from environment variables of the same names in upper case."""

    model_config = SettingsConfigDict(
        case_sensitive=False, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    environment: Literal["development", "production"] = "development"
    secret_key: str = ""
    database_url: str = ""
    cache_url: str = Field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    allowed_hosts: CommaSeparated = []
    cors_allowed_origins: CommaSeparated = []
    trusted_proxies: CommaSeparated = []
    https_only: bool | None = None
    access_log: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    login_rate_limit: Rate = "5/m"
    public_rate_limit: Rate = "60/m"
    require_verified_email: bool = False
    oauth_providers: CommaSeparated = []
    oauth_redirect_allowlist: CommaSeparated = []
    # A session that is shorter than its first access token would be no use.
    session_idle_seconds: int = Field(default=30 * DAY_SECONDS, ge=ACCESS_TOKEN_SECONDS)
    session_absolute_seconds: int = Field(default=180 * DAY_SECONDS, ge=ACCESS_TOKEN_SECONDS)
    staff_session_idle_seconds: int = Field(default=30 * 60, ge=STAFF_SESSION_SECONDS_MINIMUM)
    staff_session_absolute_seconds: int = Field(default=12 * 3600, ge=STAFF_SESSION_SECONDS_MINIMUM)
    registration: Literal["open", "confirmed", "invite", "off"] = "open"
    erase_after_days: int = Field(default=30, ge=1, le=3650)
    password_length_minimum: int = Field(default=8, ge=8, le=64)
    password_context_words: CommaSeparated = []
    breached_passwords_file: str = ""
    database_pool_size: int = Field(default=8, ge=2, le=200)
    token_issuer: WebAddress = ""
    token_audience: str = "keyhouse"
    product_name: ProductName = "Keyhouse"
    public_url: WebAddress = ""
    application_url: WebAddress = ""
    passkey_domain: Domain = ""
    passkey_origins: CommaSeparated = []
    require_staff_second_factor: bool = False
    mail_url: MailUrl = SecretStr("")
    mail_from: Mailbox = ""

    @property
    def is_production(self) -> bool:
        """Whether the conveniences of development are refused."""
        return self.environment == "production"

    @property
    def serves_https_only(self) -> bool:
        """Whether browsers are told to use HTTPS; on in production unless HTTPS_ONLY=false."""
        return self.is_production if self.https_only is None else self.https_only

    @property
    def own_url(self) -> str:
        """Where Keyhouse itself is found, without a slash at the end."""
        if self.public_url:
            return self.public_url
        if self.is_production:
            return f"https://{self.allowed_hosts[0]}"
        return f"http://{reachable(self.host)}:{self.port}"

    @property
    def issuer_url(self) -> str:
        """The issuer that tokens name, and whose metadata clients look for."""
        return self.token_issuer or self.own_url

    @property
    def links_url(self) -> str:
        """The application that links in mail lead to, without a slash at the end."""
        return self.application_url or self.own_url

    @property
    def passkeys_domain(self) -> str:
        """The domain that passkeys are made for."""
        return self.passkey_domain or default_domain(self.own_url, self.links_url)

    @property
    def passkeys_origins(self) -> list[str]:
        """The origins of the pages that may ask for passkeys."""
        return self.passkey_origins or default_origins(self.passkeys_domain, self.own_url, self.links_url)

    @property
    def mail_sender(self) -> str:
        """Whom letters are from."""
        return self.mail_from or default_sender(self.product_name, self.own_url)

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies whose X-Forwarded-* headers are believed."""
        return tuple(ip_network(network) for network in self.trusted_proxies)

    @field_validator(
        "allowed_hosts",
        "cors_allowed_origins",
        "oauth_providers",
        "oauth_redirect_allowlist",
        "passkey_origins",
        "password_context_words",
        "trusted_proxies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for number, network in enumerate(value, start=1):
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"entry {number} is not an IP address or a network such as 10.0.0.0/8") from None
        return value

    @field_validator("cors_allowed_origins")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        for number, origin in enumerate(value, start=1):
            if not re.fullmatch(r"https?://[^/*\s]+", origin):
                raise ValueError(f"entry {number} is not an origin such as https://app.example.com")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        try:
            conninfo_to_dict(value)
        except ProgrammingError:
            # psycopg's own message repeats the address with its password.
            raise ValueError("is not an address that PostgreSQL's libpq can read") from None
        return value

    @field_validator("cache_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        return redis_url(value) if value else value

    @field_validator("password_context_words")
    @classmethod
    def _are_long_enough(cls, value: list[str]) -> list[str]:
        if any(len(word) < WORD_LENGTH_MINIMUM for word in value):
            raise ValueError(f"each word must have at least {WORD_LENGTH_MINIMUM} characters")
        return value

    @field_validator("breached_passwords_file")
    @classmethod
    def _is_file_of_digests(cls, value: str) -> str:
        if value:
            BreachedPasswordFile(Path(value)).check()
        return value

    @model_validator(mode="after")
    def _production_is_complete(self) -> Self:
        if not self.is_production:
            return self
        if len(self.secret_key) < SECRET_KEY_LENGTH_MINIMUM:
            raise ValueError(
                f"SECRET_KEY must have at least {SECRET_KEY_LENGTH_MINIMUM} random characters in production"
            )
        if not self.database_url:
            raise ValueError("DATABASE_URL must be set in production")
        if not self.allowed_hosts or "*" in self.allowed_hosts:
            raise ValueError("ALLOWED_HOSTS must name the hosts that are served in production")
        if not self.public_url and self.allowed_hosts[0].startswith("."):
            raise ValueError("PUBLIC_URL must be set when ALLOWED_HOSTS begins with a whole domain")
        return self

    @model_validator(mode="after")
    def _passkeys_are_within_their_domain(self) -> Self:
        if not self.passkeys_origins:
            raise ValueError("PASSKEY_DOMAIN: PUBLIC_URL and APPLICATION_URL lie elsewhere; name the PASSKEY_ORIGINS")
        number = unfit_origin(self.passkey_origins, self.passkeys_domain)
        if number:
            raise ValueError(f"PASSKEY_ORIGINS: entry {number} is not an origin within {self.passkeys_domain}")
        return self

    @model_validator(mode="after")
    def _links_are_safe(self) -> Self:
        if self.is_production and self.serves_https_only:
            for name in ("public_url", "application_url", "token_issuer"):
                if getattr(self, name).startswith("http:"):
                    raise ValueError(f"{name.upper()} must begin with https:// in production, or HTTPS_ONLY be false")
        return self


def load_environment() -> Environment:
    """Return the validated environment, or end the process with one line that says what is wrong."""
    try:
        return Environment()
    except ValidationError as error:
        sys.exit(f"keyhouse: {describe(error)}")


def describe(error: ValidationError) -> str:
    """Return the first problem as `VARIABLE: reason`, without the value, which may be a secret."""
    problem = error.errors(include_input=False, include_url=False)[0]
    reason = problem["msg"].removeprefix("Value error, ")
    variable = ".".join(str(part) for part in problem["loc"]).upper()
    return f"{variable}: {reason}" if variable else reason


def development_secret_key(directory: Path) -> str:
    """Return this checkout's own secret key, made at the first start and kept readable to its owner only."""
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

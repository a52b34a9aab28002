"""The database: its URL, and Django's DATABASES."""

from typing import Annotated, Any, Literal, Self

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, model_validator

from apps.core.database.pool import check_for_django
from config.environment.server import ServerSettings

POOL_TIMEOUT_SECONDS = 3
CONNECTION_PARAMETERS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    # Firewalls forget idle connections without a word: probes keep them, and notice those that are lost.
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# Short, so that the first request after an outage connects at once instead of waiting for a long back-off to end.
RECONNECT_TIMEOUT_SECONDS = 2
SERVER_OPTIONS = "-c lock_timeout=3s -c idle_in_transaction_session_timeout=15s"


def _require_postgresql(value: str) -> str:
    if value and not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("must start with postgresql://")
    try:
        conninfo_to_dict(value)
    except ProgrammingError:
        # psycopg's own message repeats the address with its password.
        raise ValueError(
            "must be a connection URL that libpq can parse: percent-encode special characters of the password"
        ) from None
    return value


class DatabaseSettings(ServerSettings):
    """The database. Development runs an embedded PostgreSQL unless DATABASE_URL is set."""

    database_url: Annotated[str, AfterValidator(_require_postgresql)] = Field(default="", repr=False)
    database_pool_size: int = Field(default=8, ge=2, le=200)
    database_pooler: Literal["", "transaction", "transaction-prepared"] = ""

    @model_validator(mode="after")
    def _production_has_a_database(self) -> Self:
        if self.is_production and not self.database_url:
            raise ValueError("DATABASE_URL must be set in production")
        return self


def database_settings(url: str, pool_size: int, pooler: str = "") -> dict[str, Any]:
    """Return the DATABASES entry for `url`; every libpq parameter in it is kept.

    Connections are pooled in each process, up to `pool_size` for Django's own queries. Every wait is bounded: for a
    lock, and for a server that no longer responds. A `pooler` gives a connection's transactions to different server
    processes: it accepts no options, and a cursor ends with its transaction.
    """
    parameters = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    for name, value in CONNECTION_PARAMETERS.items():
        parameters.setdefault(name, value)
    if not pooler:
        parameters["options"] = f"{SERVER_OPTIONS} {parameters.get('options', '')}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parameters.pop("dbname", ""),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": bool(pooler),
        # Bound on the server, so that no statement contains a value: PostgreSQL logs statements that fail.
        "OPTIONS": {**parameters, "server_side_binding": True, "pool": _pool_settings(pool_size)},
    }


def _pool_settings(size: int) -> dict[str, Any]:
    return {
        "min_size": 0,
        "max_size": size,
        "timeout": POOL_TIMEOUT_SECONDS,
        "reconnect_timeout": RECONNECT_TIMEOUT_SECONDS,
        "check": check_for_django,
    }

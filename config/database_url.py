"""Turns a PostgreSQL URL into Django's DATABASES entry."""

from typing import Any

from psycopg.conninfo import conninfo_to_dict

POOL_TIMEOUT_SECONDS = 3
CONNECT_TIMEOUT_SECONDS = 5


def database_settings(url: str, pool_size: int) -> dict[str, Any]:
    """Return the DATABASES entry for `url`; every libpq parameter in it is kept.

    Connections are pooled in each process, at most `pool_size` for Django's own queries.
    """
    parameters = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    parameters.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parameters.pop("dbname", ""),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **parameters,
            "pool": {"min_size": 0, "max_size": pool_size, "timeout": POOL_TIMEOUT_SECONDS},
        },
    }

"""Turns a PostgreSQL URL into Django's DATABASES entry."""

from typing import Any

from psycopg.conninfo import conninfo_to_dict

POOL_TIMEOUT_SECONDS = 3
CONNECT_TIMEOUT_SECONDS = 5
TCP_TIMEOUT_SECONDS = 10
# Short, so that the next request after an outage tries anew at once instead of waiting for a long back-off to end.
RECONNECT_TIMEOUT_SECONDS = 2
SERVER_OPTIONS = "-c lock_timeout=3s -c idle_in_transaction_session_timeout=15s"


def database_settings(url: str, pool_size: int) -> dict[str, Any]:
    """Return the DATABASES entry for `url`; every libpq parameter in it is kept.

    Connections are pooled in each process, at most `pool_size` for Django's own queries. Nothing waits for ever: not
    for a lock that somebody holds, nor for a server that has gone without a word.
    """
    parameters = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    parameters.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
    parameters.setdefault("tcp_user_timeout", TCP_TIMEOUT_SECONDS * 1000)
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
        "OPTIONS": {
            **parameters,
            "pool": _pool_settings(pool_size),
        },
    }


def _pool_settings(size: int) -> dict[str, Any]:
    return {
        "min_size": 0,
        "max_size": size,
        "timeout": POOL_TIMEOUT_SECONDS,
        "reconnect_timeout": RECONNECT_TIMEOUT_SECONDS,
    }

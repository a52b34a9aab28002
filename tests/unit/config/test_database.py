"""Django's DATABASES, from DATABASE_URL."""

import pytest

from config.environment.database import database_settings

pytestmark = pytest.mark.unit


def test_database_url_becomes_django_settings():
    url = "postgresql://me:p%40ss@db.example.com:5433/main?sslmode=require&application_name=kh"
    entry = database_settings(url, pool_size=12)
    assert [entry[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "main",
        "me",
        "p@ss",
        "db.example.com",
        "5433",
    ]
    assert (entry["CONN_MAX_AGE"], entry["OPTIONS"]["pool"]["max_size"]) == (0, 12)
    assert (entry["OPTIONS"]["sslmode"], entry["OPTIONS"]["application_name"]) == ("require", "kh")
    assert entry["OPTIONS"]["connect_timeout"] == 5


def test_connect_timeout_of_the_url_is_kept():
    assert database_settings("postgresql://db/main?connect_timeout=2", 8)["OPTIONS"]["connect_timeout"] == "2"


def test_idle_connections_are_probed_so_that_firewalls_keep_them():
    options = database_settings("postgresql://db/main?keepalives_idle=7", 8)["OPTIONS"]
    assert (options["keepalives_idle"], options["keepalives_interval"], options["keepalives_count"]) == ("7", 5, 3)


def test_pooler_gets_no_options_and_no_cursors_that_outlive_a_transaction():
    direct = database_settings("postgresql://db/main", 8)
    pooled = database_settings("postgresql://db/main", 8, "transaction")
    assert "lock_timeout" in direct["OPTIONS"]["options"]
    assert "options" not in pooled["OPTIONS"]
    assert (direct["DISABLE_SERVER_SIDE_CURSORS"], pooled["DISABLE_SERVER_SIDE_CURSORS"]) == (False, True)

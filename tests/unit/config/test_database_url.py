"""The database's address, and what becomes of it."""

import pytest

from config.environment.database_url import database_settings

pytestmark = pytest.mark.unit


def test_a_database_url_becomes_django_s_settings():
    url = "postgresql://me:p%40ss@db.example.com:5433/house?sslmode=require&application_name=kh"
    entry = database_settings(url, pool_size=12)
    assert [entry[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "house",
        "me",
        "p@ss",
        "db.example.com",
        "5433",
    ]
    assert (entry["CONN_MAX_AGE"], entry["OPTIONS"]["pool"]["max_size"]) == (0, 12)
    assert (entry["OPTIONS"]["sslmode"], entry["OPTIONS"]["application_name"]) == ("require", "kh")
    assert entry["OPTIONS"]["connect_timeout"] == 5


def test_a_connect_timeout_of_the_operator_s_is_kept():
    assert database_settings("postgresql://db/house?connect_timeout=2", 8)["OPTIONS"]["connect_timeout"] == "2"

"""Every migration goes back, and forward again."""

import io

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("label", ["plans", "users", "audit", "core", "usage"])
def test_a_room_unbuilds_and_builds_again(label: str):
    try:
        call_command("migrate", label, "zero", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM plans ORDER BY id")
        assert [name for (name,) in cursor.fetchall()] == ["free", "pro", "enterprise"]


@pytest.mark.usefixtures("database")
def test_models_and_migrations_agree():
    out = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert out.getvalue() == "No changes detected\n"

"""Several machines that start at once: one prepares, the others wait, and block no migration."""

import os
import subprocess
import sys
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection

from apps.core.database import exclusive
from tests.support.server import PROJECT, separate_database

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("database")]
WAIT_SECONDS = 60
BEFORE_INDEX = "20261125_1816_create_outgoing_mails"


def index_is_valid() -> bool | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('outgoing_mails_recipient')")
        found = cursor.fetchone()
        return found[0] if found else None


def test_index_is_created_concurrently_while_another_machine_waits(monkeypatch: pytest.MonkeyPatch):
    refused, entered = Event(), Event()
    is_locked_by = exclusive._is_locked_by

    def observe(opened: Any) -> bool:
        is_ours = is_locked_by(opened)
        if not is_ours:
            refused.set()
        return is_ours

    def prepare_elsewhere() -> None:
        with exclusive.exclusively():
            entered.set()

    monkeypatch.setattr(exclusive, "_is_locked_by", observe)
    other = Thread(target=prepare_elsewhere, daemon=True)
    call_command("migrate", "mail", BEFORE_INDEX, verbosity=0)
    try:
        with exclusive.exclusively():
            other.start()
            assert refused.wait(WAIT_SECONDS)
            call_command(migrate.Command(), "mail", verbosity=0)  # Django's own, which does not wait for this block
            assert not entered.is_set()
        assert entered.wait(WAIT_SECONDS)
    finally:
        other.join(WAIT_SECONDS)
        call_command("migrate", verbosity=0)
    assert index_is_valid() is True


def test_invalid_index_of_an_interrupted_start_is_recreated():
    call_command("migrate", "mail", BEFORE_INDEX, verbosity=0)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX outgoing_mails_recipient ON outgoing_mails (lower(recipient))")
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'outgoing_mails_recipient'::regclass"
            )
    finally:
        call_command("migrate", verbosity=0)
    assert index_is_valid() is True


def test_of_two_migrate_commands_one_waits_for_the_other():
    with separate_database(os.environ["DATABASE_URL"], "keyhouse_two_migrations", migrated=False) as url:
        command = [sys.executable, "manage.py", "migrate", "--skip-checks"]
        both = [
            subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, "DATABASE_URL": url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        outputs = [process.communicate(timeout=WAIT_SECONDS) for process in both]
    assert [(process.returncode, errors) for process, (_, errors) in zip(both, outputs, strict=True)] == [(0, b"")] * 2
    assert sorted(b"No migrations to apply" in printed for printed, _ in outputs) == [False, True]

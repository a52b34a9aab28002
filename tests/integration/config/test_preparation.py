"""Several machines that start at once: one prepares, the others wait, and block no migration."""

from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connection

from config.serving import preparation

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
    is_locked_by_us = preparation._is_locked_by_us

    def observe() -> bool:
        is_ours = is_locked_by_us()
        if not is_ours:
            refused.set()
        return is_ours

    def prepare_elsewhere() -> None:
        with preparation._exclusively():
            entered.set()

    monkeypatch.setattr(preparation, "_is_locked_by_us", observe)
    other = Thread(target=prepare_elsewhere, daemon=True)
    call_command("migrate", "mail", BEFORE_INDEX, verbosity=0)
    try:
        with preparation._exclusively():
            other.start()
            assert refused.wait(WAIT_SECONDS)
            call_command("migrate", "mail", verbosity=0)
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

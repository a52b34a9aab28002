"""A cache is not continued where changes may have escaped the triggers, and a check says which trigger is faulty."""

import logging
from typing import Any

import psycopg
import pytest
from django.core.checks import Tags, run_checks

from apps.verification.repositories.record_changes import RECORD_TABLES, TRIGGERS
from config.serving.preparation import warn_of_faulty_triggers
from tests.support.factories import make_key
from tests.support.record_reader import ALL, NOTHING, Reader, new_reader, other_connection

pytestmark = pytest.mark.usefixtures("database")

UPDATE = "record_changes_update"


@pytest.fixture
def owner():
    """A connection that changes the schema, and restores it at the end."""
    with other_connection() as opened:
        yield opened
        for table, name in TRIGGERS:
            opened.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


@pytest.mark.parametrize(("table", "name"), TRIGGERS)
@pytest.mark.parametrize("state", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
def test_nothing_is_cached_while_a_trigger_does_not_always_fire(
    owner: psycopg.Connection[Any], table: str, name: str, state: str
):
    with new_reader() as reader:
        owner.execute(f"ALTER TABLE {table} {state} TRIGGER {name}")
        assert [reader.check(), reader.check()] == [ALL, ALL]
        (message,) = run_checks(tags=[Tags.database], databases=["default"])
        assert message.id == "keyhouse.W001"
        assert f"{name} on {table}" in message.msg
        owner.execute(str(message.hint).removeprefix("Run: "))
        assert [reader.check(), reader.check()] == [ALL, NOTHING]
        assert run_checks(tags=[Tags.database], databases=["default"]) == []


@pytest.mark.parametrize("name", ["record_changes_update", "USER"])
def test_a_trigger_that_was_disabled_only_for_a_moment_is_noticed(owner: psycopg.Connection[Any], name: str):
    key = make_key().id
    with new_reader() as reader:
        with owner.transaction():
            owner.execute(f"ALTER TABLE api_keys DISABLE TRIGGER {name}")
            owner.execute("UPDATE api_keys SET is_active = false WHERE id = %s", [key])
            owner.execute("ALTER TABLE api_keys ENABLE TRIGGER USER")
            for table, trigger in TRIGGERS:
                owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        assert [reader.check(), reader.check()] == [ALL, NOTHING]


@pytest.mark.parametrize("table", RECORD_TABLES)
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE {table} ADD COLUMN added text; ALTER TABLE {table} ALTER added TYPE int USING 1",
        "CREATE TABLE other (LIKE {table}); ALTER TABLE {table} RENAME TO old; ALTER TABLE other RENAME TO {table}",
        "DROP TRIGGER record_changes_update ON {table}",
    ],
    ids=["rewritten", "replaced", "trigger dropped"],
)
def test_a_changed_table_is_noticed(table: str, change: str):
    with other_connection() as opened, opened.transaction(force_rollback=True):
        reader = Reader(opened)
        assert [reader.check(), reader.check()] == [ALL, NOTHING]
        for statement in change.format(table=table).split("; "):
            opened.execute(statement)
        assert reader.check() == ALL


def test_a_missing_trigger_is_reported_with_the_way_to_create_it(caplog: pytest.LogCaptureFixture):
    with other_connection() as opened:
        ((definition,),) = opened.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = %s", [UPDATE]
        ).fetchall()
        opened.execute(f"DROP TRIGGER {UPDATE} ON users")
        try:
            (message,) = run_checks(tags=[Tags.database], databases=["default"])
            with caplog.at_level(logging.WARNING, logger="keyhouse.database"):
                warn_of_faulty_triggers()
        finally:
            opened.execute(definition)
            opened.execute(f"ALTER TABLE users ENABLE ALWAYS TRIGGER {UPDATE}")
    assert message.msg.startswith(f"The trigger {UPDATE} on users does not exist")
    assert "sqlmigrate verification 20261127_2208_create_record_changes" in str(message.hint)
    assert caplog.messages == [f"{message.msg} {message.hint}"]


def test_intact_triggers_are_not_reported(caplog: pytest.LogCaptureFixture):
    assert run_checks(tags=[Tags.database], databases=["default"]) == []
    warn_of_faulty_triggers()
    assert caplog.messages == []


def test_a_database_without_the_table_is_left_to_its_migration():
    with other_connection() as opened:
        opened.execute("ALTER TABLE record_changes RENAME TO hidden")
        try:
            assert run_checks(tags=[Tags.database], databases=["default"]) == []
        finally:
            opened.execute("ALTER TABLE hidden RENAME TO record_changes")


@pytest.mark.parametrize("part", range(6), ids=["start", "crash", "database", "tables", "triggers", "standby"])
def test_each_part_of_the_identity_counts(part: int):
    with new_reader() as reader:
        parts = str(reader.identity).split(" ")
        assert len(parts) == 6
        parts[part] += "1"
        reader.identity = " ".join(parts)
        assert [reader.check(), reader.check()] == [ALL, NOTHING]

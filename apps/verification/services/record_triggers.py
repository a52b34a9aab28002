"""Checks that the triggers exist which record changes to what verdicts depend on."""

from apps.verification.repositories.record_changes import FaultyTrigger, RecordChangeRepository

ENABLE = "Run: ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};"
CREATE = "Run its statements of `manage.py sqlmigrate verification 20261127_2208_create_record_changes` again."


class RecordTriggers:
    """The triggers of `record_changes`.

    While one is faulty, verdicts stay right, but every batch reads all its records from their tables.
    """

    def __init__(self, changes: RecordChangeRepository) -> None:
        self._changes = changes

    async def problems(self) -> dict[str, str]:
        """Return what is wrong with each faulty trigger, and what to do about it."""
        return {_problem(trigger): _advice(trigger) for trigger in await self._changes.faulty_triggers()}


def _problem(trigger: FaultyTrigger) -> str:
    fault = "is disabled, or skipped by restores and replication" if trigger.exists else "does not exist"
    return f"The trigger {trigger.name} on {trigger.table} {fault}, so verification cannot use cached records."


def _advice(trigger: FaultyTrigger) -> str:
    return (ENABLE if trigger.exists else CREATE).format(table=trigger.table, name=trigger.name)

"""`manage.py restore_database`."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError

from apps.core.database.connection_check import opened_connection, require_database
from apps.core.management.service_command import DocumentedCommand
from config.postgres.client_programs import run_program

SCHEMA = "public"  # the one that dumps hold, and that --replace deletes
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
PSQL = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction")
EMPTY = f"DROP SCHEMA {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}"


class Command(DocumentedCommand):
    """Restores what `dump_database` has written: all of it, or nothing."""

    help = (
        "Restore a file of dump_database into an empty database, in one transaction: all of it, or nothing. Stop the "
        "servers before. The next start of a server migrates it, and needs the SECRET_KEY of the time of the dump."
    )
    examples: ClassVar = ["manage.py restore_database backup.dump", "manage.py restore_database backup.dump --replace"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file."""
        parser.add_argument("file", type=Path, help="the file to read")
        parser.add_argument("--replace", action="store_true", help="delete what the database contains")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore. Raises CommandError, DatabaseUnusable."""
        source: Path = options["file"]
        if not source.is_file():
            raise CommandError(f"{source} is not a file")
        require_database(to_migrate=True)
        _require_replaceable(replace=options["replace"])
        with tempfile.TemporaryFile() as script:
            # Complete before any of it runs: a file that breaks off must change nothing.
            dumped = ("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(source))
            problem = run_program(*dumped, database_url=settings.DATABASE_URL, stdout=script)
            script.seek(0)
            restored = ("psql", *PSQL, *(["--command", EMPTY] if options["replace"] else []), "--file=-")
            problem = problem or run_program(*restored, database_url=settings.DATABASE_URL, stdin=script)
        if problem:
            raise CommandError(f"Nothing was changed: {problem}")
        self.stderr.write(f"Restored {source}.")


def _require_replaceable(*, replace: bool) -> None:
    with opened_connection() as opened:
        (schema,) = opened.execute("SELECT current_schema()").fetchall()[0]
        if schema != SCHEMA:  # the tables in `public` belong to another application
            raise CommandError(f"Keyhouse is in the schema {schema}, not in {SCHEMA}: restore it with pg_restore")
        (others,) = opened.execute(OTHERS).fetchall()[0]
        if others:
            raise CommandError(f"{others} other connections use the database: stop the servers first")
        (tables,) = opened.execute(TABLES).fetchall()[0]
        if tables and not replace:
            raise CommandError("the database is not empty: restore into an empty one, or use --replace")

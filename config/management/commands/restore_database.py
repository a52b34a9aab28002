"""`manage.py restore_database`."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any, ClassVar

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
# A setting of PostgreSQL 17, which pg_restore sets in the first lines for every server.
NEW_SETTING, NEW_SINCE = b"SET transaction_timeout = 0;", 170000
HEAD_BYTES = 4096
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
        version = _require_replaceable(replace=options["replace"])
        with tempfile.NamedTemporaryFile(buffering=0) as script:
            # Complete before any of it runs: a file that breaks off must change nothing.
            dumped = ("pg_restore", "--no-owner", "--no-privileges", f"--file={script.name}", str(source))
            problem = run_program(*dumped, database_url=settings.DATABASE_URL)
            if version < NEW_SINCE:
                comment_out(script, NEW_SETTING)
            replaced = ["--command", EMPTY] if options["replace"] else []
            restored = ("psql", *PSQL, *replaced, f"--file={script.name}")
            problem = problem or run_program(*restored, database_url=settings.DATABASE_URL)
        if problem:
            raise CommandError(f"Nothing was changed: {problem}")
        self.stderr.write(f"Restored {source}.")


def _require_replaceable(*, replace: bool) -> int:
    """Return the version of the server. Raises CommandError unless the database can be restored into."""
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
        return opened.info.server_version


def comment_out(script: IO[bytes], statement: bytes) -> None:
    """Make a comment of the statement in the first lines of the script, if it is there."""
    start = script.read(HEAD_BYTES).find(statement)
    if start >= 0:
        script.seek(start)
        script.write(b"-- ")

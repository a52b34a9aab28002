"""`manage.py dump_database`."""

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError

from apps.core.database.connection_check import require_database
from apps.core.management.service_command import DocumentedCommand
from config.postgres.client_programs import run_program


class Command(DocumentedCommand):
    """Writes the database to a file, consistently, while servers run."""

    help = (
        "Write the database to a file, as of this moment, while servers run (pg_dump, custom format). The file is "
        "readable by its owner only, and complete or not there. Keep SECRET_KEY too: secrets in it are encrypted."
    )
    examples: ClassVar = ["manage.py dump_database backup.dump", "manage.py dump_database backup.dump --replace"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file."""
        parser.add_argument("file", type=Path, help="the file to write")
        parser.add_argument("--replace", action="store_true", help="replace the file if it exists")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Dump. Raises CommandError, DatabaseUnusable."""
        target: Path = options["file"]
        if target.is_dir():
            raise CommandError(f"{target} is a directory: name a file in it")
        if target.exists() and not options["replace"]:
            raise CommandError(f"{target} exists: name another file, or use --replace")
        require_database()
        try:
            descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}") from error
        try:
            self._dump(descriptor, Path(draft), target)
        finally:
            Path(draft).unlink(missing_ok=True)
        self.stderr.write(f"Wrote {target}.")

    def _dump(self, descriptor: int, draft: Path, target: Path) -> None:
        with os.fdopen(descriptor, "wb") as file:
            # Ids of transactions mean nothing on another server.
            options = ("--format=custom", "--no-owner", "--no-privileges", "--exclude-table-data=record_changes")
            problem = run_program("pg_dump", *options, database_url=settings.DATABASE_URL, stdout=file)
            if problem:
                raise CommandError(problem)
            os.fsync(file.fileno())
        draft.replace(target)

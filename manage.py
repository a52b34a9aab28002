#!/usr/bin/env python
"""Keyhouse's command line: runs a management command, and the embedded PostgreSQL when that is the database."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from django.core.management import execute_from_command_line

from apps.core.management.service_command import database_line
from config.postgres.server_account import EmbeddedPostgresError
from config.serving.termination import unwind_on_termination

COMMANDS_WITHOUT_DATABASE = {"check", "collectstatic", "help", "version", "--help", "--version", "-h", "diffsettings"}


def database_of(arguments: list[str]) -> AbstractContextManager[object]:
    """Return a context in which the command's database runs: the embedded one, unless DATABASE_URL names another."""
    command = arguments[1] if len(arguments) > 1 else "help"
    wants_help = "--help" in arguments or "-h" in arguments
    if command in COMMANDS_WITHOUT_DATABASE or wants_help or settings.EMBEDDED_POSTGRES is None:
        return nullcontext()
    return settings.EMBEDDED_POSTGRES


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        with unwind_on_termination(), database_of(sys.argv):
            execute_from_command_line(sys.argv)
    except EmbeddedPostgresError as error:
        sys.exit(f"keyhouse: {error}")
    except Exception as error:
        line = database_line(error)  # Django's own commands raise them
        if line is None:
            raise
        sys.exit(f"keyhouse: {line}")


if __name__ == "__main__":
    main()

"""`manage.py serve`: prepares the database and serves the API and the admin."""

import logging
import resource
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError

from apps.core.management.service_command import DocumentedCommand
from config.environment.addresses import reachable
from config.postgres.supervision import supervised
from config.secret_keys import OtherSecretKey
from config.serving.announcement import Announcement
from config.serving.preparation import ADMINISTRATOR_EMAIL, FirstSecrets, prepare
from config.serving.server import Address
from config.serving.supervisor import DEATHS_SECONDS, AddressTaken, Supervisor, TooManyDeaths, reserved

logger = logging.getLogger("keyhouse.serve")

# Files and connections of a worker beside those of clients: to the database, to others, libraries, logs.
OTHER_FILES = 512


class Command(DocumentedCommand):
    """Serves the API, the admin and the documentation until Ctrl-C or SIGTERM."""

    help = "Migrate the database, collect static files and serve, until Ctrl-C or SIGTERM."
    examples: ClassVar = ["manage.py serve", "manage.py serve --host 0.0.0.0 --port 8080 --workers 4"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that override the environment."""
        environment = settings.ENVIRONMENT
        parser.add_argument("--host", default=environment.host, help="the address to listen on; default: HOST")
        parser.add_argument("--port", type=int, default=environment.port, help="default: PORT")
        parser.add_argument(
            "--workers", type=int, default=environment.workers, help="the number of processes; default: WORKERS"
        )
        parser.add_argument(
            "--skip-migrations", action="store_true", help="do not migrate; another machine or job does"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prepare, serve, and print the URLs once the server responds."""
        address = Address(options["host"], options["port"])
        try:
            with reserved(address):
                self._prepare_and_serve(address, options["workers"], migrate=not options["skip_migrations"])
        except (AddressTaken, OtherSecretKey) as error:
            raise CommandError(str(error)) from error
        except TooManyDeaths as error:
            raise CommandError(f"too many workers have died within {DEATHS_SECONDS} s; see the log") from error

    def _prepare_and_serve(self, address: Address, workers: int, *, migrate: bool) -> None:
        warn_of_undelivered_mail()
        self._print("Preparing the database and the static files …")
        first = prepare(migrate=migrate, with_first_accounts=not settings.ENVIRONMENT.is_production)
        netloc = f"{reachable(address.host)}:{address.port}"
        announcement = Announcement(netloc, lambda: self._print(_running(f"http://{netloc}", first)))
        try:
            allow_open_files(settings.ENVIRONMENT.connections_maximum + OTHER_FILES)
            with supervised(settings.EMBEDDED_POSTGRES):
                Supervisor(address, workers).run(announcement.begin)
        finally:
            # They are already stored, and the next start does not generate new ones.
            if not announcement.cancel() and first:
                self._print(f"\nKeyhouse has not started\n{_secrets(first)}")

    def _print(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def warn_of_undelivered_mail() -> None:
    """Log a warning when production has no mail server."""
    if not settings.MAILERS:
        logger.warning("MAIL_URL is not set: mail is not delivered, and messages stay enqueued")


def _running(base: str, first: FirstSecrets | None) -> str:
    urls = f"\nKeyhouse is running\n  API     {base}/api/v1\n  docs    {base}/docs\n  admin   {base}/admin/\n"
    steps = _first_steps(first) if first else f"Try:\n  curl {base}/health/ready\n"
    return f"{urls}{steps}"


def _secrets(first: FirstSecrets) -> str:
    return (
        f"Shown only now, stored only as hashes:\n"
        f"  administrator  {ADMINISTRATOR_EMAIL}\n"
        f"  password       {first.password}\n"
        f"  service key    {first.service_key}\n"
    )


def _first_steps(first: FirstSecrets) -> str:
    return (
        f"{_secrets(first)}\n"
        f"Verify the service key itself; the command asks for it:\n"
        f"  {_interpreter()} manage.py verify_api_key - --scope keys:verify\n"
    )


def _interpreter() -> str:
    """Return the path of this interpreter: from the current folder, if it is below it, as that of `make serve` is."""
    path, folder = Path(sys.executable), Path.cwd()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def allow_open_files(needed: int) -> None:
    """Raise this process' limit of open files, which its workers inherit, as far as the system allows.

    A connection is an open file, and the usual limit of 1,024 leaves none for the database when all are in use.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < needed:
            logger.warning("CONNECTIONS_MAXIMUM needs %d open files, and the system allows %d", needed, allowed)

"""`manage.py serve`: prepares the database and serves the API and the admin."""

import logging
import multiprocessing
import resource
import socket
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from apps.core.management.service_command import DocumentedCommand
from config.environment.addresses import reachable
from config.postgres.supervision import supervised
from config.secret_keys import OtherSecretKey
from config.serving.announcement import Announcement
from config.serving.granian_workers import WorkerDeaths, run_worker
from config.serving.preparation import ADMINISTRATOR_EMAIL, FirstSecrets, prepare

logger = logging.getLogger("keyhouse.serve")

# How long running requests may take to finish after the server is told to stop.
GRACE_SECONDS = 15
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
        host, port = options["host"], options["port"]
        _require_free(host, port)
        warn_of_undelivered_mail()
        self._print("Preparing the database and the static files …")
        try:
            first = prepare(
                migrate=not options["skip_migrations"],
                with_first_accounts=not settings.ENVIRONMENT.is_production,
            )
        except OtherSecretKey as error:
            raise CommandError(str(error)) from error
        netloc = f"{reachable(host)}:{port}"
        announcement = Announcement(netloc, lambda: self._print(_running(f"http://{netloc}", first)))
        try:
            with supervised(settings.EMBEDDED_POSTGRES):
                _serve(_server(host, port, options["workers"]), announcement)
        finally:
            # They are already stored, and the next start does not generate new ones.
            if not announcement.cancel() and first:
                self._print(f"\nKeyhouse has not started\n{_secrets(first)}")

    def _print(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _serve(server: Any, announcement: Announcement) -> None:
    # Workers are spawned: a forked worker would inherit this process' thread pools without their threads, and wait for
    # them forever.
    multiprocessing.set_start_method("spawn", force=True)
    server.respawned_wrks = WorkerDeaths()
    server.on_startup(announcement.begin)
    server.serve(spawn_target=run_worker)


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
        f"  python manage.py verify_api_key - --scope keys:verify\n"
    )


def _server(host: str, port: int, workers: int) -> Any:
    connections = settings.ENVIRONMENT.connections_maximum
    allow_open_files(connections + OTHER_FILES)
    return Server(
        "config.asgi:application",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        # With `auto`, granian's timeout begins at the first byte, and a connection that sends none is never closed.
        http=HTTPModes.http1,
        # How long a connection may take to send the head of a request, its first one or a further one.
        http1_settings=HTTP1Settings(header_read_timeout=settings.ENVIRONMENT.keep_alive_seconds * 1000),
        backpressure=connections,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
    )


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


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error

"""`manage.py serve`: prepares the database and serves both doors."""

import logging
import multiprocessing
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

from config.environment.addresses import reachable
from config.serving.announcement import Announcement
from config.serving.first_run import ADMINISTRATOR_EMAIL, FirstSecrets
from config.serving.preparation import prepare
from config.serving.worker_deaths import WorkerDeaths
from config.serving.worker_signals import run_worker

logger = logging.getLogger("keyhouse.serve")

# How long requests under way may take to finish when the server is told to stop.
GRACE_SECONDS = 15


class Command(BaseCommand):
    """Serves the API, the admin and the documentation until Ctrl-C or SIGTERM."""

    help = "Prepare the database and serve. HOST, PORT and WORKERS are taken from the environment unless given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what overrides the environment."""
        environment = settings.ENVIRONMENT
        parser.add_argument("--host", default=environment.host)
        parser.add_argument("--port", type=int, default=environment.port)
        parser.add_argument("--workers", type=int, default=environment.workers)
        parser.add_argument("--skip-migrations", action="store_true", help="the database is migrated by someone else")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prepare, say where to find everything, and serve."""
        host, port = options["host"], options["port"]
        _require_free(host, port)
        warn_of_undelivered_mail()
        first = prepare(
            migrate=not options["skip_migrations"],
            with_first_accounts=not settings.ENVIRONMENT.is_production,
        )
        netloc = f"{reachable(host)}:{port}"
        announcement = Announcement(netloc, lambda: self._say(_where(f"http://{netloc}", first)))
        try:
            _serve(_server(host, port, options["workers"]), announcement)
        finally:
            # They are stored already, and the next start makes no others.
            if not announcement.call_off() and first:
                self._say(f"\nKeyhouse has not served\n{_secret_words(first)}")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _serve(server: Any, announcement: Announcement) -> None:
    # Workers begin as new processes: a forked one would inherit this one's thread pools without their threads,
    # and wait for them for ever.
    multiprocessing.set_start_method("spawn", force=True)
    server.respawned_wrks = WorkerDeaths()
    server.on_startup(announcement.begin)
    server.serve(spawn_target=run_worker)


def warn_of_undelivered_mail() -> None:
    """Say it, once a start, when production has no mail server."""
    if not settings.MAILERS:
        logger.warning("MAIL_URL is not set: mail is not delivered, letters wait in their table")


def _where(base: str, first: FirstSecrets | None) -> str:
    where = f"\nKeyhouse serves\n  API     {base}/api/v1\n  docs    {base}/docs\n  admin   {base}/admin/\n"
    words = _first_words(base, first) if first else f"Try:\n  curl -s {base}/health/ready\n"
    return f"{where}{words}"


def _secret_words(first: FirstSecrets) -> str:
    return (
        f"Shown this once, stored only as hashes:\n"
        f"  administrator  {ADMINISTRATOR_EMAIL}\n"
        f"  password       {first.password}\n"
        f"  service key    {first.service_key}\n"
    )


def _first_words(base: str, first: FirstSecrets) -> str:
    return (
        f"{_secret_words(first)}\n"
        f"Try, asking whether the service key itself is good:\n"
        f"  curl -s {base}/api/v1/keys/verify -H 'Authorization: Bearer {first.service_key}'"
        f" -H 'Content-Type: application/json' -d '{{\"key\": \"{first.service_key}\"}}'\n"
    )


def _server(host: str, port: int, workers: int) -> Any:
    return Server(
        "config.asgi:application",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        static_path_route=["/static"],
        static_path_mount=[settings.STATIC_ROOT],
    )


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error

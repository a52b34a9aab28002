"""Django's ORM on the database of a running server, for tests that a browser runs in."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper


class ServedRows:
    """Calls functions that use the ORM, such as those of tests.support.factories, on the server's database.

    They run on one thread with a connection of its own: Playwright runs an event loop in the test's thread, where
    Django refuses to read.
    """

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread

    def __call__[**P, R](self, function: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
        """Call the function, and return its result."""
        return self._thread.submit(function, *args, **options).result()


@contextmanager
def rows_of(database_url: str) -> Iterator[ServedRows]:
    """Connect to the database until the end of the block."""
    with ThreadPoolExecutor(1) as thread:
        rows = ServedRows(thread)
        rows(_connect, urlsplit(database_url).path.removeprefix("/"))
        yield rows
        rows(connections.close_all)


def _connect(name: str) -> None:
    settings: dict[str, Any] = connections.settings["default"]
    options = {option: value for option, value in settings["OPTIONS"].items() if option != "pool"}
    connections["default"] = DatabaseWrapper({**settings, "NAME": name, "OPTIONS": options}, "default")

"""Several Keyhouse servers on one database."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.asker import Asker
from tests.support.server import Server, start_server
from tests.support.staff import Staff, staff_of

SIZE = 3


@dataclass(frozen=True)
class Fleet:
    """Servers with one worker each, so that the client chooses the worker that decides."""

    servers: Sequence[Server]
    service_key: str
    staff: Staff

    @property
    def database_url(self) -> str:
        return self.servers[0].database_url

    def asker(self, number: int) -> Asker:
        """Return the client with this number. Clients are distributed over the servers by their number."""
        return Asker(self.servers[number % len(self.servers)].url, self.service_key)


@contextmanager
def start_fleet(database_url: str, directory: Path) -> Iterator[Fleet]:
    """Serve the empty database by SIZE servers."""
    with ExitStack() as stack, ThreadPoolExecutor(SIZE) as threads:
        first = stack.enter_context(start_server(database_url, directory / "0", WORKERS="1"))
        starting = [
            # One installation has one URL, and therefore one issuer of tokens.
            threads.submit(start_server, database_url, directory / str(number), WORKERS="1", PUBLIC_URL=first.url)
            for number in range(1, SIZE)
        ]
        others = [stack.enter_context(start.result()) for start in starting]
        staff = stack.enter_context(staff_of(first, first.administrator_password))
        yield Fleet([first, *others], first.service_key, staff)

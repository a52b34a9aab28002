"""A worker process: uvicorn with Keyhouse's protocol class, on a socket of its own."""

import asyncio
import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Any, NamedTuple, override

import uvicorn

# How long running requests may take to finish after a worker has received SIGTERM; then they are cancelled.
DRAIN_SECONDS = 12
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
BACKLOG = 2048  # connections that the kernel has accepted and the worker has not


class Address(NamedTuple):
    """Where the workers listen."""

    host: str
    port: int

    def bound_socket(self, *, shares_address: bool) -> socket.socket:
        """Return a socket that is bound to this port, beside others with SO_REUSEPORT. It does not listen yet.

        With `shares_address` it may also stand beside connections of an earlier server that the kernel still keeps.
        """
        bound = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shares_address)
        bound.bind((self.host, self.port))
        return bound


class WorkerServer(uvicorn.Server):
    """uvicorn's server, which drains at the first SIGTERM or SIGINT, however many follow."""

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop.

        uvicorn's own method skips the lifespan's shutdown at the second SIGINT, and repeats the signal when it has
        stopped, which ends the process before it has written its log. A worker often gets a signal twice: Ctrl-C goes
        to every process of a terminal, `systemctl stop` to every process of a service, and the supervisor signals its
        workers too.
        """
        self.should_exit = True

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve the connections that the kernel has already accepted, and finish running requests."""
        listening = [each.dup() for each in sockets or ()]
        for server in self.servers:
            server.close()
        accepted = [connection for each in listening for connection in _accepted(each)]
        for connection in accepted:
            with suppress(OSError):  # its client has disconnected
                await self._serve_connection(connection)
        await super().shutdown(sockets)

    async def _serve_connection(self, accepted: socket.socket) -> None:
        protocol_class: Any = self.config.http_protocol_class
        protocol = protocol_class(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted)
        protocol.shutdown()


def _accepted(listening: socket.socket) -> list[socket.socket]:
    """Return the connections that wait to be accepted, and close the socket."""
    listening.setblocking(False)
    accepted: list[socket.socket] = []
    with listening, suppress(OSError):  # there is no more, or the process has no more files
        while len(accepted) < BACKLOG:
            accepted.append(listening.accept()[0])
    return accepted


def run_worker(address: Address) -> None:
    """Serve until SIGTERM or SIGINT. The target of a worker process."""
    config = uvicorn.Config(
        "config.asgi:application",
        loop="uvloop",
        http="config.asgi:http_protocol",
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = WorkerServer(config)
    # uvicorn sets these handlers only while it serves, and restores what it finds. The supervisor has blocked the
    # signals, because one that comes while Python starts would end in a traceback.
    for number in STOP_SIGNALS:
        signal.signal(number, server.handle_exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    server.run(sockets=[address.bound_socket(shares_address=True)])

"""The server of a worker: it stops without losing a connection that the kernel has accepted, whatever signals come."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvicorn

from apps.core.http.connections import ConnectionLimits, ConnectionTable
from apps.core.http.http_protocol import HttpProtocol
from apps.core.http.http_settings import HttpSettings
from apps.core.http.protocol_context import ProtocolContext
from config.serving.server import Address, WorkerServer
from tests.support.wire import answers_in, echo_application, request


@asynccontextmanager
async def started() -> AsyncIterator[tuple[WorkerServer, socket.socket]]:
    """A server that listens on a socket of its own."""
    context = ProtocolContext(HttpSettings(), ConnectionTable(ConnectionLimits()), {})
    protocol: Any = partial(HttpProtocol, context=context)
    config = uvicorn.Config(
        echo_application, http=protocol, lifespan="off", log_config=None, ws="none", proxy_headers=False,
        access_log=False,
    )  # fmt: skip
    config.load()
    server = WorkerServer(config)
    server.lifespan = config.lifespan_class(config)
    listening = Address("127.0.0.1", 0).bound_socket(shares_address=True)
    await server.startup(sockets=[listening])
    yield server, listening


def _answer(connection: socket.socket) -> bytes:
    answer = b""
    with connection:
        while received := connection.recv(65536):
            answer += received
    return answer


async def test_connections_that_wait_to_be_accepted_are_served():
    async with started() as (server, listening):
        # Without a turn of the event loop: the server has accepted none of them.
        waiting = [socket.create_connection(listening.getsockname(), timeout=10) for _ in range(8)]
        for number, connection in enumerate(waiting):
            connection.sendall(request(path=f"/{number}"))
        answers = [asyncio.to_thread(_answer, connection) for connection in waiting]
        served, _ = await asyncio.gather(asyncio.gather(*answers), server.shutdown([listening]))
    found = [answers_in(answer) for answer in served]
    assert [answer.body for (answer,) in found] == [b"GET /%d" % number for number in range(8)]
    assert all(b"connection: close" in answer.headers for (answer,) in found)


async def test_idle_connections_are_closed():
    async with started() as (server, listening):
        idle = socket.create_connection(listening.getsockname(), timeout=10)
        await asyncio.sleep(0.05)
        served, _ = await asyncio.gather(asyncio.to_thread(_answer, idle), server.shutdown([listening]))
    assert served == b""


async def test_second_signal_changes_nothing():
    server = WorkerServer(uvicorn.Config(echo_application))
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        server.handle_exit(number, None)
    assert (server.should_exit, server.force_exit) == (True, False)

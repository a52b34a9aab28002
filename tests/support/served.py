"""An application in this process on a socket, served by the protocol class of `serve`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, override

import uvicorn
from uvicorn.server import ServerState

from apps.core.http.access_log import AccessLog
from apps.core.http.asgi import Application
from apps.core.http.connections import ConnectionLimits, ConnectionTable
from apps.core.http.http_protocol import HttpProtocol
from apps.core.http.http_settings import HttpSettings
from apps.core.http.inline_requests import InlineOperation
from apps.core.http.protocol_context import ProtocolContext


@dataclass(frozen=True, slots=True)
class Logged:
    """A request in the access log."""

    method: str
    path: str
    status: int
    request_id: str
    client: str | None


class RecordedLog(AccessLog):
    """An access log that is kept in memory."""

    def __init__(self) -> None:
        self.requests: list[Logged] = []

    @property
    def lines(self) -> list[tuple[str, str, int]]:
        """Method, path and status of each request."""
        return [(each.method, each.path, each.status) for each in self.requests]

    @override
    def add(self, method: str, path: str, status: int, seconds: float, request_id: str, client: str | None) -> None:
        """Record a request."""
        assert seconds >= 0
        self.requests.append(Logged(method, path, status, request_id, client))


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its port, and what its connections share."""

    port: int
    context: ProtocolContext
    state: ServerState

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, *parts: bytes) -> bytes:
        """Send the parts one by one on a connection of their own, and return all that comes until it is closed."""
        reader, writer = await self.connect()
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def served(
    application: Application,
    operations: Mapping[str, InlineOperation] | None = None,
    settings: HttpSettings | None = None,
    limits: ConnectionLimits | None = None,
    access_log: AccessLog | None = None,
) -> AsyncIterator[Served]:
    """Serve the application on a free port, until the end of the block."""
    config = uvicorn.Config(
        application, loop="none", lifespan="off", log_config=None, access_log=False, ws="none", proxy_headers=False
    )
    config.load()
    state = ServerState()
    table = ConnectionTable(limits or ConnectionLimits())
    context = ProtocolContext(settings or HttpSettings(), table, operations or {}, access_log)

    def protocol() -> Any:
        return HttpProtocol(config=config, server_state=state, app_state={}, context=context)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield Served(server.sockets[0].getsockname()[1], context, state)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        while state.connections:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.001)

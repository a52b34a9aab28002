"""What stands before both doors: the request's identity, the client behind proxies, and the choice of door."""

from collections.abc import Awaitable, Callable, Sequence

from apps.core.background.background_job import BackgroundJob
from apps.core.background.background_runner import BackgroundRunner
from apps.core.database.pool import close_pools, open_pools
from apps.core.http.asgi_headers import header
from apps.core.http.asgi_types import Application, Receive, Scope, Send
from apps.core.http.http_settings import HttpSettings
from apps.core.http.trusted_proxies import client_address
from apps.core.request_context import (
    USER_AGENT_LENGTH_MAXIMUM,
    RequestContext,
    enter_request,
    request_id_from,
)
from apps.core.values.ip_addresses import is_within, parse_address

CLIENT_PREFIXES = ("/account/", "/api/", "/health", "/.well-known/")
CLIENT_PATHS = frozenset({"/docs", "/openapi.json"})


class RootApplication:
    """The ASGI application: sends each request through its door.

    For the server's life it keeps connections, and runs the jobs in the background.
    """

    def __init__(
        self,
        api_application: Application,
        admin_application: Application,
        settings: HttpSettings,
        jobs: Sequence[BackgroundJob] = (),
    ) -> None:
        self._client_door = api_application
        self._staff_door = admin_application
        self._settings = settings
        self._jobs = jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await serve_lifespan(receive, send, self._jobs)
            return
        _see_through_proxies(scope, self._settings)
        enter_request(_context(scope))
        door = self._client_door if is_client_path(scope["path"]) else self._staff_door
        await door(scope, receive, send)


def is_client_path(path: str) -> bool:
    """Return whether the client door serves this path."""
    return path.startswith(CLIENT_PREFIXES) or path in CLIENT_PATHS


async def serve_lifespan(receive: Receive, send: Send, jobs: Sequence[BackgroundJob] = ()) -> None:
    """Open the loop's database pool and begin the jobs when the server starts; end all of it when it stops."""
    background = BackgroundRunner(jobs)
    stages: dict[str, Sequence[Callable[[], Awaitable[object]]]] = {
        "startup": (open_pools, background.start),
        "shutdown": (background.stop, close_pools),
    }
    for stage, acts in stages.items():
        await receive()
        for act in acts:
            await act()
        await send({"type": f"lifespan.{stage}.complete"})


def _see_through_proxies(scope: Scope, settings: HttpSettings) -> None:
    """Put the client in the place of the proxies before it, for everything behind this to read."""
    peer, port = scope.get("client") or (None, 0)
    if peer is None or not is_within(parse_address(peer), settings.trusted_proxies):
        return
    # A proxy may append a line of its own instead of lengthening the client's; together they are one list.
    lines = [value.decode("latin1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    forwarded_for = ",".join(lines)
    scope["client"] = (client_address(peer, forwarded_for, settings.trusted_proxies), port)
    if header(scope, b"x-forwarded-proto") == "https":
        scope["scheme"] = "https"


def _context(scope: Scope) -> RequestContext:
    peer = (scope.get("client") or (None, 0))[0]
    address = parse_address(peer) if peer else None
    return RequestContext(
        request_id=request_id_from(header(scope, b"x-request-id")),
        client_address=str(address) if address else None,
        user_agent=(header(scope, b"user-agent") or "")[:USER_AGENT_LENGTH_MAXIMUM].replace("\x00", ""),
    )

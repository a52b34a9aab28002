"""The root ASGI application: identifies the request and its client, and dispatches to the other applications."""

from collections.abc import Awaitable, Callable, Sequence

from apps.core.background.background_jobs import BackgroundJob, BackgroundRunner
from apps.core.database.pool import close_pools, open_pools
from apps.core.http.access_log import AccessLog, LoggedResponse
from apps.core.http.asgi import Application, Receive, Scope, Send, header
from apps.core.http.forwarded import apply_forwarded_headers
from apps.core.http.http_settings import HttpSettings
from apps.core.http.request_head import STATIC_PREFIX
from apps.core.request_context import (
    USER_AGENT_LENGTH_MAXIMUM,
    RequestContext,
    enter_request,
    request_id_from,
)
from apps.core.values.ip_addresses import canonical_address
from apps.core.values.shown_texts import escaped

API_PREFIXES = ("/account/", "/api/", "/health", "/.well-known/")
API_PATHS = frozenset({"/docs", "/openapi.json"})


class RootApplication:
    """Dispatches each request to the API application, the static application or the admin application.

    While the server runs, it keeps the connection pools open and runs the background jobs.
    """

    def __init__(
        self,
        api_application: Application,
        admin_application: Application,
        settings: HttpSettings,
        jobs: Sequence[BackgroundJob] = (),
        static_application: Application | None = None,
        access_log: AccessLog | None = None,
    ) -> None:
        self._api_application = api_application
        self._admin_application = admin_application
        self._static_application = static_application or admin_application
        self._settings = settings
        self._jobs = jobs
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await serve_lifespan(receive, send, self._jobs)
            return
        apply_forwarded_headers(scope, self._settings.trusted_proxies)
        enter_request(_context(scope))
        if self._access_log is None:
            await self._application_of(scope)(scope, receive, send)
            return
        response = LoggedResponse(scope, send, self._access_log)
        try:
            await self._application_of(scope)(scope, receive, response.send)
        finally:
            response.end()

    def _application_of(self, scope: Scope) -> Application:
        if is_api_path(scope["path"]):
            return self._api_application
        return self._static_application if scope["path"].startswith(STATIC_PREFIX) else self._admin_application


def is_api_path(path: str) -> bool:
    """Return whether the API application serves this path."""
    return path.startswith(API_PREFIXES) or path in API_PATHS


async def serve_lifespan(receive: Receive, send: Send, jobs: Sequence[BackgroundJob] = ()) -> None:
    """Open the loop's database pools and start the jobs at startup; stop the jobs and close the pools at shutdown."""
    background = BackgroundRunner(jobs)
    stages: dict[str, Sequence[Callable[[], Awaitable[object]]]] = {
        "startup": (open_pools, background.start),
        "shutdown": (background.stop, close_pools),
    }
    for stage, steps in stages.items():
        await receive()
        for step in steps:
            await step()
        await send({"type": f"lifespan.{stage}.complete"})


def _context(scope: Scope) -> RequestContext:
    peer = (scope.get("client") or (None, 0))[0]
    return RequestContext(
        request_id=request_id_from(header(scope, b"x-request-id")),
        client_address=canonical_address(peer) if peer else None,
        user_agent=_user_agent(scope),
    )


def _user_agent(scope: Scope) -> str:
    """Return the User-Agent, which people read in lists of sessions and in mails, with control characters escaped."""
    shown = escaped((header(scope, b"user-agent") or "")[:USER_AGENT_LENGTH_MAXIMUM])
    return shown[:USER_AGENT_LENGTH_MAXIMUM]  # an escape is longer than its character

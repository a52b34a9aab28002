"""The static application: serves the collected files of the admin and of the pages, with ServeStatic."""

from pathlib import Path
from typing import cast

from servestatic import ServeStaticASGI

from apps.core.errors import DomainError
from apps.core.http.asgi import Application, Message, Receive, Scope, Send
from apps.core.http.asgi_messages import raw_response
from apps.core.http.browser_headers import security_headers
from apps.core.http.error_responses import plain_error_response
from apps.core.http.http_settings import HttpSettings
from apps.core.http.request_head import STATIC_PREFIX, checked_head, redirect_to_https
from apps.core.request_context import current_request

# Files are linked under names with a hash of their content, which ServeStatic lets browsers keep for years. Under its
# plain name a file may change with the next version.
PLAIN_NAME_SECONDS = 60


class StaticApplication:
    """An ASGI application that serves the files of a folder as they were when it was created.

    Responses have an ETag, and ranges are supported. It reads no request body.
    """

    def __init__(self, root: Path, settings: HttpSettings) -> None:
        files = ServeStaticASGI(
            None, root if root.is_dir() else None, STATIC_PREFIX, max_age=PLAIN_NAME_SECONDS, allow_all_origins=False
        )
        self._files = cast("Application", files)
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request_id = (b"x-request-id", current_request().request_id.encode())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], request_id, *security_headers(scope, self._settings)]
            await send(message)

        try:
            checked_head(scope, self._settings)
            redirect = redirect_to_https(scope, self._settings)
        except DomainError as error:
            redirect = plain_error_response(error)
        if redirect is None:
            await self._files(scope, receive, send_with_headers)
            return
        response = raw_response(redirect)
        await send_with_headers({"type": "http.response.start", "status": response.status, "headers": response.headers})
        await send_with_headers({"type": "http.response.body", "body": response.body})

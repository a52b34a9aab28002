"""The yardstick: an ASGI application that does nothing but answer the same bytes."""

import os
from typing import Any

BODY = os.environ["CONSTANT_BODY"].encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}
ANSWER = {"type": "http.response.body", "body": BODY}


async def application(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer the constant, whatever is asked."""
    await send(START)
    await send(ANSWER)

"""The detection of clients that disconnect."""

import asyncio
from typing import Any

import pytest

from apps.core.http import cancellation
from apps.core.http.cancellation import ClientDisconnected, DisconnectWatch

pytestmark = pytest.mark.unit

MOMENT = 0.01


@pytest.fixture(autouse=True)
def _short_watch_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "WATCH_DELAY_SECONDS", MOMENT)


class Client:
    """An ASGI `receive` that returns a message of this type, or waits forever."""

    def __init__(self, kind: str | None = None) -> None:
        self.kind = kind
        self.calls = 0

    async def __call__(self) -> dict[str, Any]:
        self.calls += 1
        if self.kind is None:
            await asyncio.Event().wait()
        return {"type": self.kind}


async def serve(client: Client, seconds: float) -> str:
    with DisconnectWatch(client):
        await asyncio.sleep(seconds)
        return "response"


async def test_disconnect_cancels_the_block():
    client = Client("http.disconnect")
    with pytest.raises(ClientDisconnected):
        await serve(client, 10)
    assert client.calls == 1


async def test_fast_response_is_not_watched():
    client = Client("http.disconnect")
    assert await serve(client, 0) == "response"
    await asyncio.sleep(2 * MOMENT)
    assert client.calls == 0


@pytest.mark.parametrize("kind", [None, "http.request"])
async def test_connected_client_gets_its_response(kind: str | None):
    client = Client(kind)
    assert await serve(client, 5 * MOMENT) == "response"
    assert client.calls == 1


async def test_other_cancellation_is_not_a_disconnect():
    task = asyncio.create_task(serve(Client(), 10))
    await asyncio.sleep(2 * MOMENT)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

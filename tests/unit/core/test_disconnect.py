"""A client that hangs up is noticed while it waits, and nothing else is."""

import asyncio
from typing import Any

import pytest

from apps.core.http import disconnect
from apps.core.http.disconnect import ClientDisconnected, DisconnectWatch

pytestmark = pytest.mark.unit

MOMENT = 0.01


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect, "WATCHED_AFTER_SECONDS", MOMENT)


class Client:
    """An ASGI `receive` that tells what it is made to, or nothing."""

    def __init__(self, kind: str | None = None) -> None:
        self.kind = kind
        self.asked = 0

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.kind is None:
            await asyncio.Event().wait()
        return {"type": self.kind}


async def serve(client: Client, seconds: float) -> str:
    with DisconnectWatch(client):
        await asyncio.sleep(seconds)
        return "answer"


async def test_a_client_that_hangs_up_is_not_worked_for():
    client = Client("http.disconnect")
    with pytest.raises(ClientDisconnected):
        await serve(client, 10)
    assert client.asked == 1


async def test_who_is_answered_soon_is_not_watched():
    client = Client("http.disconnect")
    assert await serve(client, 0) == "answer"
    await asyncio.sleep(2 * MOMENT)
    assert client.asked == 0


@pytest.mark.parametrize("kind", [None, "http.request"])
async def test_who_stays_is_answered(kind: str | None):
    client = Client(kind)
    assert await serve(client, 5 * MOMENT) == "answer"
    assert client.asked == 1


async def test_being_cancelled_for_another_reason_is_not_a_hang_up():
    task = asyncio.create_task(serve(Client(), 10))
    await asyncio.sleep(2 * MOMENT)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

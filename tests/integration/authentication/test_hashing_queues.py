"""Sign-ups, resets and sign-ins do not wait for each other's hashings."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import httpx
import pytest

from apps.core.crypto.passwords import HASHINGS_MAXIMUM, REPLACEMENT, SIGN_IN, SIGN_UP, HashingQueue
from tests.support.factories import PASSWORD, make_user
from tests.support.links import tokens_to
from tests.support.orm import make

V1 = "/api/v1"
ANN = "ann@example.com"


async def sign_in(api: httpx.AsyncClient) -> httpx.Response:
    return await api.post(f"{V1}/auth/login", json={"email": ANN, "password": PASSWORD})


async def sign_up(api: httpx.AsyncClient) -> httpx.Response:
    return await api.post(f"{V1}/users", json={"email": "bob@example.com", "username": "bob", "password": PASSWORD})


async def reset(api: httpx.AsyncClient) -> httpx.Response:
    await api.post(f"{V1}/auth/forgot-password", json={"email": ANN})
    (token,) = await tokens_to(ANN, "reset_password")
    return await api.post(f"{V1}/auth/reset-password", json={"token": token, "new_password": f"{PASSWORD} again"})


QUEUES: dict[HashingQueue, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]] = {
    SIGN_IN: sign_in,
    SIGN_UP: sign_up,
    REPLACEMENT: reset,
}


@pytest.mark.parametrize("full", QUEUES, ids=["sign-in", "sign-up", "replacement"])
async def test_full_queue_refuses_only_its_own_requests(api: httpx.AsyncClient, full: HashingQueue):
    await make(make_user, PASSWORD, email=ANN)
    gate = threading.Event()
    flood = [asyncio.ensure_future(full.run(gate.wait)) for _ in range(HASHINGS_MAXIMUM)]
    await asyncio.sleep(0)
    try:
        for queue, send in QUEUES.items():
            response = await asyncio.wait_for(send(api), 10)
            assert (response.status_code == 503) == (queue is full), response.text
            assert response.is_success or queue is full
    finally:
        gate.set()
        await asyncio.gather(*flood)

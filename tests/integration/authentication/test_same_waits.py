"""Requests about one address wait alike, whether or not it has an account: for locks, for timers, for threads."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from django.db import connection

from apps.core.crypto.passwords import Argon2idHasher
from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository
from tests.support.accounts import customer
from tests.support.captured_sql import all_statements
from tests.support.factories import PASSWORD, make_user
from tests.support.orm import make, run_in_transaction

ANN, NOBODY = "ann@example.com", "nobody@example.com"
AT_ONCE = 6
SETTLED_SECONDS = 10
Send = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


@pytest.fixture(autouse=True)
def _confirmed(settings):
    settings.REGISTRATION = "confirmed"
    assert settings.DATABASE_POOL_SIZE >= AT_ONCE  # else the requests wait for each other's connections


async def forget(api: httpx.AsyncClient, email: str) -> httpx.Response:
    return await api.post("/api/v1/auth/forgot-password", json={"email": email})


async def sign_up(api: httpx.AsyncClient, email: str) -> httpx.Response:
    new = {"email": email, "username": f"user-{email[:3]}", "password": PASSWORD}
    return await api.post("/api/v1/users", json=new)


async def guess(api: httpx.AsyncClient, email: str) -> httpx.Response:
    return await api.post("/api/v1/auth/login", json={"email": email, "password": "wrong"})


def _locks_awaited() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT locktype FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE NOT granted AND datname = current_database() ORDER BY 1"
        )
        return [locktype for (locktype,) in cursor.fetchall()]


class Held:
    """Holds each request where it stores its token, inside its transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        self.one = asyncio.Event()
        self._released = asyncio.Event()
        insert = OneTimeTokenRepository.insert

        async def hold(repository, new):
            self.number += 1
            self.one.set()
            await self._released.wait()
            await insert(repository, new)

        monkeypatch.setattr(OneTimeTokenRepository, "insert", hold)

    def release(self) -> None:
        self._released.set()


async def waits(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, email: str, *kinds: Send
) -> tuple[list[str], list[int]]:
    """Send all requests, and return for what they wait once all of them do, and the statuses of their responses.

    They wait inside the transaction, or for a lock.
    """
    with monkeypatch.context() as patch:
        held = Held(patch)
        requests = [asyncio.ensure_future(kinds[0](api, email))]
        async with asyncio.timeout(SETTLED_SECONDS):
            await held.one.wait()
            requests += [asyncio.ensure_future(kinds[-1](api, email)) for _ in range(AT_ONCE - 1)]
            locks: list[str] = []
            while held.number + len(locks) < AT_ONCE:
                locks = await run_in_transaction(_locks_awaited)
        found = [*["inside"] * held.number, *locks]
        held.release()
        responses = await asyncio.gather(*requests)
    return found, sorted(response.status_code for response in responses)


@pytest.mark.parametrize("kinds", [(forget,), (sign_up,), (forget, sign_up), (sign_up, forget)])
async def test_requests_wait_for_the_same_locks(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, kinds: tuple[Send, ...]
):
    await make(make_user, email=ANN)
    with_account = await waits(api, monkeypatch, ANN, *kinds)
    assert with_account == await waits(api, monkeypatch, NOBODY, *kinds)
    assert with_account == (["inside", *["advisory"] * (AT_ONCE - 1)], [202] * AT_ONCE)


Entries = list[tuple[Any, ...]]
MARK = ("sleep", 0.001)


class Delays:
    """Records what delays a response: sleeps with their seconds, and hashing. No time is measured."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.found: Entries = []
        self._record(patch, asyncio.get_running_loop(), "call_later", _sleep)
        self._record(patch, time, "sleep", lambda delay: ("sleep in a thread", delay))
        self._record(patch, Argon2idHasher, "encode", lambda *_: ("hash",))
        self._record(patch, Argon2idHasher, "verify", lambda *_: ("verify",))

    def _record(
        self, patch: pytest.MonkeyPatch, owner: Any, name: str, entry_of: Callable[..., tuple[Any, ...] | None]
    ) -> None:
        genuine = getattr(owner, name)

        def recorded(*args: Any, **options: Any) -> Any:
            if entry := entry_of(*args):
                self.found.append(entry)
            return genuine(*args, **options)

        patch.setattr(owner, name, recorded)


def _sleep(delay: float, callback: Callable[..., Any], *_: Any) -> tuple[str, float] | None:
    # What `asyncio.sleep` calls, however it is imported. Other timers are deadlines.
    return ("sleep", delay) if callback.__name__ == "_set_result_unless_cancelled" else None


async def delays(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, send: Send, email: str
) -> tuple[Entries, list[tuple[str, str]]]:
    """Return what delays a request about the address, and its statements."""
    with monkeypatch.context() as patch, all_statements() as statements:
        recorded = Delays(patch)
        await send(api, email)
        await asyncio.sleep(MARK[1])
    assert recorded.found.pop() == MARK  # sleeps are recorded
    return recorded.found, statements


@pytest.mark.parametrize(
    ("send", "hashing"),
    [(forget, []), (sign_up, [("hash",)]), (guess, [("verify",)])],
    ids=["forget", "sign up", "guess"],
)
async def test_nothing_delays_one_response_and_not_the_other(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, send: Send, hashing: list[tuple[str]]
):
    """An account is no slower or faster to answer than an address without one, by any sleep in the code."""
    await make(make_user, PASSWORD, email=ANN)
    await send(api, "warm@example.com")  # opens connections, compiles queries
    with_account, statements = await delays(api, monkeypatch, send, ANN)
    without, same_number = await delays(api, monkeypatch, send, NOBODY)
    assert with_account == without == hashing
    assert len(statements) == len(same_number)


async def test_requested_addresses_wait_for_the_same_locks(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    """Several accounts ask for one new address."""
    await make(make_user, email=ANN)
    with_account = await waits(api, monkeypatch, ANN, await _askers())
    assert with_account == await waits(api, monkeypatch, NOBODY, await _askers())
    assert with_account[1] == [200] * 5 + [429] * (AT_ONCE - 5)


async def _askers() -> Send:
    """Return a function that asks for an address, each time as another account."""
    accounts = [await customer() for _ in range(AT_ONCE)]

    async def ask(api: httpx.AsyncClient, email: str) -> httpx.Response:
        return await api.patch("/api/v1/users/me", json={"email": email}, headers=accounts.pop().headers)

    return ask

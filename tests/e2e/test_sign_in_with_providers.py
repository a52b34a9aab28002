"""Signing in with a provider at a served Keyhouse with two workers: the whole way, the provider gone, and slow."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, RunningProvider, openid_provider
from tests.support.server import Server, separate_database, start_server
from tests.support.sign_in_flow import OWN_URL, RETURN_TO, Browser, error_of, fragment_of, person

SLOW_SECONDS_MAXIMUM = 15.0


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, RunningProvider]]:
    """One that stays, and one that a test ends."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(openid_provider([f"{OWN_URL}/api/v1/auth/oauth/{name}/callback"]))
            for name in ("acme", "brief")
        }


@pytest.fixture(scope="module")
def silence() -> Iterator[str]:
    """The address of somebody who takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def server(
    providers: dict[str, RunningProvider], silence: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {"PUBLIC_URL": OWN_URL, "OAUTH_REDIRECT_ALLOWLIST": RETURN_TO, "OAUTH_PROVIDERS": "acme,brief,slow"}
    for name, issuer in (("ACME", providers["acme"].issuer), ("BRIEF", providers["brief"].issuer), ("SLOW", silence)):
        values = {"ISSUER": issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET}
        settings |= {f"OAUTH_{name}_{what}": value for what, value in values.items()}
    name = f"keyhouse_oauth_{os.getpid()}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as url,
        start_server(url, tmp_path_factory.mktemp("server"), **settings) as server,
    ):
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.errors


async def test_the_whole_way(server: Server):
    async with httpx.AsyncClient(base_url=server.url) as client:
        pair = await Browser(client, person("ann", "ann@example.com")).sign_in()
        assert pair.status_code == 200, pair.text
        headers = {"Authorization": f"Bearer {pair.json()['access_token']}"}
        assert (await client.get("/api/v1/users/me", headers=headers)).json()["email"] == "ann@example.com"
        identities = (await client.get("/api/v1/auth/identities", headers=headers)).json()
        assert [item["subject"] for item in identities["items"]] == ["ann"]
    assert CLIENT_SECRET not in server.output + server.errors


async def test_one_callback_at_several_workers_is_good_once(server: Server):
    async with httpx.AsyncClient(base_url=server.url) as client:
        browser = Browser(client, person("bob", "bob@example.com"))
        url = await browser.callback()
        answers = await asyncio.gather(*(browser.follow(url) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [303, *[400] * 7]
        (landed,) = [answer for answer in answers if answer.status_code == 303]
        code = fragment_of(landed)["code"]
        redeemed = await asyncio.gather(*(browser.redeem(code) for _ in range(8)))
        assert sorted(answer.status_code for answer in redeemed) == [200, *[400] * 7]


async def test_a_slow_provider_holds_up_nobody_else(server: Server):
    """More sign-ins wait for it than there are database connections."""
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        browser = Browser(client)
        waiting = [asyncio.create_task(browser.start("slow")) for _ in range(40)]
        async with asyncio.timeout(SLOW_SECONDS_MAXIMUM):
            while not any(task.done() for task in waiting):
                assert (await client.get("/health/ready")).status_code == 200
            answers = await asyncio.gather(*waiting)
    assert {fragment_of(answer)["error"] for answer in answers} == {"PROVIDER_UNAVAILABLE"}


async def test_a_provider_that_has_gone(server: Server, providers: dict[str, RunningProvider]):
    async with httpx.AsyncClient(base_url=server.url) as client:
        browser = Browser(client)
        url = await browser.callback("brief")
        providers["brief"].process.kill()
        providers["brief"].process.wait()
        assert error_of(await browser.follow(url)) == "PROVIDER_UNAVAILABLE"
        assert (await client.get("/health/ready")).status_code == 200

"""Times every list of the admin and of the API on a large database: `make bench-admin`.

Each list as it opens, in each order, under each filter and for each search, and each page that a list links; single
client, the median of three requests. Without arguments it makes and fills a database; `--database URL` measures one.
"""

import argparse
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import psycopg

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.benchmarks import large_database
from tests.support.server import PROJECT, Server, start_server

ROUNDS = 3
SLOW_MS = 300
PASSWORD = "a long password of the benchmark"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
LIST = re.compile(r'href="(/admin/[a-z_]+/[a-z_]+/)"')
LINK = re.compile(r'href="(\?[^"]*)"')
ROW = re.compile(r'href="(/admin/[a-z_]+/[a-z_]+/\d+/change/)[^"]*"')
SEARCH = re.compile(r'<form id="changelist-search" method="(get|post)"(?: action="([^"]*)")?')
# A word of one row, one of many rows, one of no row, and a number.
TERMS = ("a3f9c1", "example", "nothing has this name", "1500008")
TABS = ("", "keys/", "usage/", "credits/", "security/", "timeline/", "notes/")
ROLLUP_SECONDS_MAXIMUM = 1800
BEHIND = "SELECT 1 FROM usage_rollups WHERE rolled_up_until < (SELECT max(occurred_at) FROM usage_events)"
API_LISTS = (
    "/users",
    "/users?cursor=",
    "/users?page=40000",
    "/users?search=a3f9c1",
    "/users?search=example",
    "/users?search=nothing+has+this+name",
    "/users?is_active=false",
    "/users/1500008/api-keys",
    "/credits/transactions?user_id=1500008",
    "/credits/balance?user_id=1500008",
    "/usage?user_id=1500008",
    "/usage?user_id=1500008&group_by=key&interval=hour",
    "/plans",
    "/roles",
    "/invitations",
)


class Measured:
    """What was requested, and how long it took in milliseconds."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, int, str]] = []

    def send(self, name: str, send: Callable[[], httpx.Response]) -> None:
        """Send the request, and note the median of its times, and the status of the response."""
        times, status = [], 0
        for _ in range(ROUNDS):
            began = time.perf_counter()
            status = send().status_code
            times.append((time.perf_counter() - began) * 1000)
        self.rows.append((statistics.median(times), status, name))

    def print(self) -> None:
        """Print the slowest first."""
        slow = [row for row in self.rows if row[0] > SLOW_MS]
        for milliseconds, status, name in sorted(self.rows, reverse=True):
            sys.stdout.write(f"{milliseconds:8.0f} ms  {status}  {name}\n")
        sys.stdout.write(f"{len(self.rows)} requests, {len(slow)} over {SLOW_MS} ms\n")


def main() -> None:
    """Measure, and print a line for each request."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--database", help="the URL of a database that is filled already")
    url = arguments.parse_args().database
    with (
        tempfile.TemporaryDirectory() as name,
        _database(url, Path(name)) as database,
        start_server(database, Path(name) / "server", WORKERS="1") as server,
    ):
        if not url:
            large_database.fill(database)
        _wait_for_rollups(database)
        _measure(server, _create_administrator(database))


@contextmanager
def _database(url: str | None, directory: Path) -> Iterator[str]:
    if url:
        yield url
        return
    with EmbeddedPostgres(directory / "postgres", durable=False) as postgres:
        yield postgres.url


def _wait_for_rollups(database: str) -> None:
    """Wait until the server has rolled the calls up: later it only rolls up those of five minutes."""
    deadline = time.monotonic() + ROLLUP_SECONDS_MAXIMUM
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute(BEHIND).fetchone():
            assert time.monotonic() < deadline
            time.sleep(1)
        connection.execute("VACUUM (ANALYZE) key_usage_quarters, tag_usage_quarters, customer_usage_days")


def _create_administrator(database: str) -> str:
    """Create an administrator, and return the address."""
    name = f"bench{secrets.token_hex(4)}"
    email = f"{name}@keyhouse.example"
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", email, "--username", name]
    variables = {**os.environ, "DATABASE_URL": database, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(command, check=True, cwd=PROJECT, env=variables, stdout=subprocess.DEVNULL)
    return email


def _measure(server: Server, email: str) -> None:
    measured = Measured()
    with server.client(follow_redirects=True) as client:
        _sign_in(client, email)
        for page in sorted(set(LIST.findall(client.get("/admin/").text))):
            _measure_list(client, measured, page)
        for tab in TABS:
            path = f"/admin/customers/{large_database.BUSY_CUSTOMER}/{tab}"
            measured.send(path, partial(client.get, path))
        headers = _token(client, email)
        for path in API_LISTS:
            measured.send(path, partial(client.get, f"/api/v1{path}", headers=headers))
    measured.print()


def _measure_list(client: httpx.Client, measured: Measured, page: str) -> None:
    text = client.get(page).text
    links = {"", *(unescape(link) for link in LINK.findall(text))}
    for link in sorted(links):
        measured.send(page + link, partial(client.get, page + link))
    for row in ROW.findall(text)[:1]:
        measured.send(row, partial(client.get, row))
    for term in TERMS if SEARCH.search(text) else ():
        measured.send(f"{page} search “{term}”", partial(_search, client, page, text, term))


def _search(client: httpx.Client, page: str, text: str, term: str) -> httpx.Response:
    found, token = SEARCH.search(text), TOKEN.search(text)
    assert found
    assert token
    if found[1] == "get":
        return client.get(page, params={"q": term})
    return client.post(urljoin(page, found[2] or page), data={"q": term, "csrfmiddlewaretoken": token[1]})


def _sign_in(client: httpx.Client, email: str) -> None:
    page = client.get("/admin/login/")
    token = TOKEN.search(page.text)
    assert token
    fields = {"username": email, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    client.post("/admin/login/", data=fields)
    home = client.get("/admin/")
    assert home.url.path == "/admin/", home.url


def _token(client: httpx.Client, email: str) -> dict[str, str]:
    response = client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


if __name__ == "__main__":
    main()

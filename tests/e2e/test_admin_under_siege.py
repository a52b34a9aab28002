"""Slow or endless bodies do not block the admin for others."""

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx

from tests.support.raw_http import TIMEOUT_SECONDS
from tests.support.server import Server
from tests.support.untouched import untouched

LOGIN = "/admin/login/"
IDLE = 48  # both workers have eight places each, and connections reach either by chance
BEGUN = (
    b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 100000\r\n\r\nx"
)


def test_idle_bodies_do_not_block_the_admin(server: Server, client: httpx.Client):
    address = urlsplit(server.url)
    with ExitStack() as stack:
        for _ in range(IDLE):
            idle = stack.enter_context(socket.create_connection((address.hostname, address.port), TIMEOUT_SECONDS))
            idle.sendall(BEGUN)
        for _ in range(8):
            with server.client() as fresh:
                assert fresh.get(LOGIN, timeout=TIMEOUT_SECONDS).status_code == 200
    assert client.get(LOGIN).status_code == 200


def test_large_body_is_refused_before_it_has_arrived(server: Server, client: httpx.Client):
    chunks = (b"x" * 65536 for _ in range(4800))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with untouched(server):
        response = client.post(LOGIN, content=chunks, headers=headers)
    assert (response.status_code, next(chunks, b"")[:1]) == (413, b"x")  # the rest was not sent
    assert client.get(LOGIN).status_code == 200

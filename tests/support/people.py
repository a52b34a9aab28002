"""Customers of a running server, created through its API, and the mail that people get."""

import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from tests.support.server import Server

PASSWORD = "correct horse battery staple"
MAIL_SECONDS = 15


@dataclass(frozen=True)
class Person:
    """A signed-in customer."""

    client: httpx.Client
    id: int
    email: str
    headers: dict[str, str]

    def create_key(self, **fields: Any) -> dict[str, Any]:
        """Create an API key, and return it with its secret."""
        response = self.client.post("/api/v1/api-keys", json={"name": "key", **fields}, headers=self.headers)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created


def verified(server: Server, person: Person) -> Person:
    """Mark the customer's e-mail address as verified, and return the customer."""
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE users SET email_verified_at = now() WHERE id = %s", [person.id])
    return person


def sign_up(client: httpx.Client) -> Person:
    """Sign up a new customer, and sign it in."""
    name = f"user-{uuid4().hex}"
    account = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    created = client.post("/api/v1/users", json=account)
    assert created.status_code == 201, created.text
    credentials = {"email": account["email"], "password": PASSWORD}
    pair = client.post("/api/v1/auth/login", json=credentials)
    assert pair.status_code == 200, pair.text
    headers = {"Authorization": f"Bearer {pair.json()['access_token']}"}
    return Person(client, created.json()["id"], account["email"], headers)


def link_mailed_to(server: Server, email: str, page: str) -> str:
    """Return the newest link to the page that was mailed to the address, once it is there."""
    message = re.compile(
        rf"^Mail to {re.escape(email)}$.*?({re.escape(server.url)}/account/{page}#\S+)", re.MULTILINE | re.DOTALL
    )
    deadline = time.monotonic() + MAIL_SECONDS
    while not (found := message.findall(server.output)):
        assert time.monotonic() < deadline, server.output
        time.sleep(0.1)
    return str(found[-1])

"""Customers of a served Keyhouse, made through its API."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from tests.support.server import Server

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    client: httpx.Client
    id: int
    email: str
    headers: dict[str, str]

    def create_key(self, **fields: Any) -> dict[str, Any]:
        """Return a new key of theirs, with its secret."""
        answer = self.client.post("/api/v1/api-keys", json={"name": "key", **fields}, headers=self.headers)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created


def verified(server: Server, person: Person) -> Person:
    """Take the person's address for verified, and return the person."""
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE users SET email_verified_at = now() WHERE id = %s", [person.id])
    return person


def sign_up(client: httpx.Client) -> Person:
    """Sign somebody up and in."""
    name = f"user-{uuid4().hex}"
    account = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    created = client.post("/api/v1/users", json=account)
    assert created.status_code == 201, created.text
    credentials = {"email": account["email"], "password": PASSWORD}
    pair = client.post("/api/v1/auth/login", json=credentials)
    assert pair.status_code == 200, pair.text
    headers = {"Authorization": f"Bearer {pair.json()['access_token']}"}
    return Person(client, created.json()["id"], account["email"], headers)

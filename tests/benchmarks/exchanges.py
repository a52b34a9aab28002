"""The operations that are measured, as the bytes that are sent and what the answers must hold."""

from dataclasses import dataclass
from typing import Any

import orjson

from tests.benchmarks.load_generator import Exchange
from tests.benchmarks.population import PASSWORD, SCOPES, Population, email_of

HOST = "127.0.0.1"
VERIFY = "verify a key"
LOGIN = "login"
LIST_KEYS = "list keys"
NINJA = "constant through Ninja"
CONSTANT = "constant, bare server"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one cell of the table asks of one server, over and over."""

    name: str
    size: str
    port: int
    exchanges: list[Exchange]


def operations(size: str, port: int, population: Population) -> list[Operation]:
    """Return what is measured of Keyhouse on a database of this population."""
    exchanges = {
        VERIFY: verifications(population),
        LOGIN: _logins(population),
        LIST_KEYS: _lists(population),
        NINJA: [Exchange(_request("GET", "/health"), b'{"status":"ok"}')],
    }
    return [Operation(name, size, port, asked) for name, asked in exchanges.items()]


def constant(port: int, body: bytes) -> Operation:
    """Return what is measured of the bare server."""
    return Operation(CONSTANT, "", port, [Exchange(_request("GET", "/"), body)])


def verifications(population: Population) -> list[Exchange]:
    """Return a question about each key."""
    caller = {"Authorization": f"Bearer {population.service_key.secret}"}
    return [
        Exchange(
            _request("POST", "/api/v1/keys/verify", caller, {"key": key.secret, "scopes": SCOPES[:1]}),
            b'{"valid":true,"code":"VALID","key_id":%d,"user_id":%d,' % (key.id, key.user_id),
        )
        for key in population.keys
    ]


def _logins(population: Population) -> list[Exchange]:
    return [
        Exchange(
            _request("POST", "/api/v1/auth/login", {}, {"email": email_of(user_id), "password": PASSWORD}),
            b'"token_type":"bearer"',
        )
        for user_id in population.customers
    ]


def _lists(population: Population) -> list[Exchange]:
    total = b'"total":%d,' % population.keys_of_each
    return [Exchange(_request("GET", "/api/v1/api-keys", {"X-API-Key": key.secret}), total) for key in population.keys]


def _request(method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> bytes:
    content = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content

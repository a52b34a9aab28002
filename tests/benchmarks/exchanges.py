"""The operations that are measured, as the bytes that are sent and what the answers must hold."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import orjson

from tests.benchmarks.load_generator import Exchange
from tests.benchmarks.population import COST, PASSWORD, SCOPES, Key, Population, email_of
from tests.benchmarks.programs import Server

HOST = "127.0.0.1"
VERIFY_PATH = "/api/v1/keys/verify"

VALID = b'{"valid":true,"code":"VALID",'

VERIFY = "verify a key"
VERIFY_SIMPLE = "verify a key, one limit, no scopes"
VERIFY_ONE = "verify keys of one customer"
VERIFY_BESIDE_LOGINS = "verify a key beside logins"
VERIFY_AFTER_CHECKPOINT = "verify a key right after a checkpoint"
VERIFY_LONG = "verify a key, for minutes"
GET_USER = "get user"
LIST_KEYS = "list keys"
LOGIN = "login"
NINJA = "constant through Ninja"
CONSTANT = "constant"
ARGON2 = "Argon2id alone"

KEYHOUSE = "Keyhouse"
PEER = "FastAPI service"
BARE = "bare server"
BARE_UVICORN = "bare uvicorn"
NO_SERVER = "none"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one cell of the table asks of one server, over and over. `size` is how full its database is."""

    name: str
    server: str
    size: str = ""
    served: Server | None = None
    exchanges: Sequence[Exchange] = ()

    @property
    def workers(self) -> int:
        """How many processes answer."""
        return self.served.workers if self.served else 0

    @property
    def is_keyhouse(self) -> bool:
        """Whether a Keyhouse answers, of this checkout or another."""
        return self.served is not None and self.served.postgres is not None and self.server != PEER


class Verifications(Sequence[Exchange]):
    """A question about each key, which costs something. Each is made when it is asked: a million would not fit.

    All secrets are as long as each other, so they are kept one after another.
    """

    def __init__(self, service_key: Key, keys: Sequence[Key], scopes: Sequence[str]) -> None:
        """Prepare everything that does not depend on the key."""
        width = len(service_key.secret)
        body = {"key": "*" * width, "cost": COST, **({"scopes": scopes} if scopes else {})}
        caller = {"Authorization": f"Bearer {service_key.secret}"}
        self._before, _, self._after = _request("POST", VERIFY_PATH, caller, body).partition(b"*" * width)
        self._secrets = "".join(key.secret for key in keys).encode()
        self._ids = array("q", (number for key in keys for number in (key.id, key.user_id)))
        self._width = width

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._ids) // 2

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Exchange]: ...
    def __getitem__(self, index: int | slice) -> Exchange | Sequence[Exchange]:
        """Return the question about a key, and what only its right answer holds."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        ids = self._ids[2 * index], self._ids[2 * index + 1]  # raises IndexError behind the last
        secret = self._secrets[index * self._width : (index + 1) * self._width]
        return Exchange(self._before + secret + self._after, b'"key_id":%d,"user_id":%d,' % ids, VALID)


def asked_of_both(population: Population) -> dict[str, Sequence[Exchange]]:
    """Return what is asked of Keyhouse and of the other service, by the operation's name."""
    keys = population.keys
    return {
        VERIFY: verifications(population),
        GET_USER: tuple(_get("/api/v1/users/me", key, b'"id":%d,"email":' % key.user_id) for key in keys),
        LIST_KEYS: tuple(_get("/api/v1/api-keys", key, b'"total":%d,' % population.keys_of_each) for key in keys),
    }


def asked_of_keyhouse(population: Population) -> dict[str, Sequence[Exchange]]:
    """Return what is asked of Keyhouse alone, by the operation's name."""
    service = population.service_key
    return {
        VERIFY_SIMPLE: Verifications(service, population.keys_with_one_limit, ()),
        VERIFY_ONE: Verifications(service, population.keys_of_one_customer, SCOPES[:1]),
        LOGIN: tuple(map(_login, population.customers)),
        NINJA: (Exchange(_request("GET", "/health"), b'{"status":"ok"}'),),
    }


def verifications(population: Population) -> Verifications:
    """Return the question about each key of the customers with two limits."""
    return Verifications(population.service_key, population.keys, SCOPES[:1])


def constant(server: str, served: Server, body: bytes) -> Operation:
    """Return what is measured of a bare server."""
    return Operation(CONSTANT, server, served=served, exchanges=(Exchange(_request("GET", "/"), body),))


def _login(user_id: int) -> Exchange:
    body = {"email": email_of(user_id), "password": PASSWORD}
    return Exchange(_request("POST", "/api/v1/auth/login", {}, body), b'"token_type":"bearer"')


def _get(path: str, key: Key, expected: bytes) -> Exchange:
    return Exchange(_request("GET", path, {"X-API-Key": key.secret}), expected)


def _request(method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> bytes:
    content = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content

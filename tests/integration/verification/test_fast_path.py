"""The fast path and the Ninja operation give the same responses and leave the same rows, for every request."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from apps.api_keys.models import ApiKeyCounter
from apps.api_keys.services.key_format import generate_key
from apps.core.http.api_application import ApiApplication
from apps.core.http.asgi import Application, Receive, Scope, Send
from apps.core.http.http_settings import HttpSettings
from apps.core.http.json_codec import ANONYMOUS_BODY_BYTES_MAXIMUM
from apps.core.http.root_application import RootApplication
from apps.credits.models import CreditBalance
from apps.usage.models import UsageDenial, UsageRecord
from apps.verification.dependencies import verification_service
from apps.verification.routers.verify_fast_path import VerifyOperation
from config.asgi import application
from tests.support.factories import make_key, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.served import Logged, RecordedLog, served
from tests.support.sessions import sign_in

VERIFY = "/api/v1/keys/verify"
LIMITS = [{"name": "minute", "limit": 3, "period_seconds": 60}, {"name": "day", "limit": 9, "period_seconds": 86400}]
PAST = datetime(2020, 1, 1, tzinfo=UTC)
MALFORMED = "sk_live_" + "0" * 38
# What differs although the responses are the same: ids and moments.
OWN = re.compile(r'"(key_id|user_id)":\d+|"request_id":"[0-9a-f]{32}"|"reset_at":"[^"]+"', re.ASCII)
# The client's address, from the proxy that the tests are.
PROXIED = {"X-Forwarded-For": "192.0.2.77"}
SETTINGS = HttpSettings(allowed_hosts=(".localhost",), trusted_proxies=(ip_network("127.0.0.1"),))
VARYING_HEADERS = {"x-request-id", "x-ratelimit-reset", "ratelimit", "content-length"}


@dataclass(frozen=True)
class Sent:
    """A request; `<key>`, `<service>`, `<customer>` and `<session>` stand for those of each way."""

    body: str = '{"key": "<key>"}'
    headers: Mapping[str, str] = field(default_factory=lambda: {"X-API-Key": "<service>"})
    method: str = "POST"
    content_type: str | None = "application/json"
    query: str = ""
    is_fast: bool = False


def fast(body: str = '{"key": "<key>"}', **changes: Any) -> Sent:
    """Return a request that the fast path serves."""
    return Sent(body, **{"is_fast": True, **changes})


BEARER, SESSION = {"Authorization": "Bearer <service>"}, {"Authorization": "Bearer <session>"}
MANY_CALLS = [fast('{"key": "<key>", "cost": "4"}')] * 4
# With a key in the place of its name it is ANONYMOUS_BODY_BYTES_MAXIMUM long.
LONG = '{"key": "<key>"}'.ljust(ANONYMOUS_BODY_BYTES_MAXIMUM + len("<key>") - len(generate_key("live")))
MISLEADING = ["\\u001b[2J", "a\\nb", "\u202ea", "\u200b", " "]
CASES: dict[str, list[Sent]] = {
    "a valid key": [fast()],
    "as a bearer": [fast(headers=BEARER)],
    "every field": [
        fast('{"key":"<key>","cost":"1.5","weight":2,"scopes":["a:b"],"ip":"192.0.2.1","tag":"t ü","request_id":"r"}')
    ],
    "numbers": [fast('{"key": "<key>", "cost": 1}'), fast('{"key": "<key>", "cost": 0.25}')],
    "numbers that are not exact": [
        Sent(f'{{"key": "<key>", "cost": {number}}}')
        for number in ("0.30000000000000004", "1e-7", "1000000000.5", "1e400")
    ],
    "spaces and order": [fast(' {\n "weight" : 1 , "key" : "<key>" } ')],
    "as long as the fast path reads": [fast(LONG), fast(LONG, headers={"X-API-Key": "<unknown>"})],
    "longer": [Sent(f"{LONG} "), Sent(f"{LONG} ", headers={"X-API-Key": "<unknown>"})],
    "the last of two": [fast('{"key": "x", "key": "<key>"}')],
    "with a charset": [fast(content_type="application/json; charset=utf-8")],
    "in capitals": [fast(content_type="Application/JSON")],
    "until the credits end": MANY_CALLS,
    "until the rate limit": [fast()] * 5,
    "a weight above the rate limit": [fast('{"key": "<key>", "weight": 4}')],
    "a request repeated": [fast('{"key": "<key>", "cost": "4", "request_id": "again \\" \\\\ {}"}')] * 3,
    "a request id reused": [
        fast(f'{{"key": "<key>", "cost": "{cost}", "request_id": "again"}}') for cost in ("4", "3", "4.0")
    ],
    "an operation": [
        fast('{"key": "<key>", "operation": "resize", "units": 3}'),
        fast('{"key": "<key>", "operation": "resize", "units": 4, "request_id": "units"}'),
        Sent('{"key": "<key>", "operation": "resize", "cost": "1"}'),
        Sent('{"key": "<key>", "units": 3}'),
        Sent('{"key": "<key>", "operation": "re size"}'),
    ],
    "no such scope": [fast('{"key": "<key>", "scopes": ["z:z"]}')],
    "a malformed key": [fast(f'{{"key": "{MALFORMED}"}}'), fast('{"key": ""}')],
    "an unknown key": [fast('{"key": "<unknown>"}')],
    "a revoked key": [fast('{"key": "<revoked>"}')],
    "an expired key": [fast('{"key": "<expired>"}')],
    "an address not allowed": [fast('{"key": "<bound>", "ip": "198.51.100.1"}'), fast('{"key": "<bound>"}')],
    "no body": [Sent("")],
    "no JSON": [Sent("{"), Sent('{"key": NaN}'), Sent("\ufeff{}"), Sent('{"key": "\\ud800"}')],
    "no object": [Sent("[]"), Sent("null"), Sent('"<key>"')],
    "no key": [Sent("{}"), Sent('{"key": null}'), Sent('{"key": 7}')],
    "unknown fields": [Sent('{"key": "<key>", "more": 1}')],
    "bad values": [
        Sent('{"key": "<key>", "cost": "-1"}'),
        Sent('{"key": "<key>", "cost": "0.0000001"}'),
        Sent('{"key": "<key>", "cost": "NaN"}'),
        Sent('{"key": "<key>", "weight": 0}'),
        Sent('{"key": "<key>", "weight": "1"}'),
        Sent('{"key": "<key>", "ip": 7}'),
        Sent('{"key": "<key>", "scopes": ["not a scope"]}'),
        Sent('{"key": "<key>", "tag": "\\u0000"}'),
        Sent('{"key": "<key>", "request_id": ""}'),
    ],
    "texts that mislead": [
        *[Sent(f'{{"key": "<key>", "{name}": "{text}"}}') for name in ("tag", "request_id") for text in MISLEADING],
        fast('{"key": "<key>", "tag": "\u05d0 \U0001f511", "request_id": "\u540d"}'),
    ],
    "no content type": [Sent(content_type=None)],
    "another content type": [Sent(content_type="text/plain"), Sent(content_type="application/x-www-form-urlencoded")],
    "no credential": [Sent(headers={}), Sent("{", headers={})],
    "a bad credential": [
        Sent(headers={"X-API-Key": MALFORMED}),
        Sent(headers={"Authorization": "Bearer nonsense"}),
        Sent(headers={"Authorization": "Basic YTpi"}),
        fast(headers={"X-API-Key": "<unknown>"}),
        fast(headers={"X-API-Key": "<revoked>"}),
        fast(headers={"Authorization": "Bearer <expired>"}),
    ],
    "a credential from elsewhere": [fast(headers={"X-API-Key": "<bound>"})],
    "a credential without the scope": [fast(headers={"X-API-Key": "<customer>"})],
    "an invalid request without the scope": [Sent("{}", headers={"X-API-Key": "<customer>"})],
    "a session of staff": [Sent(headers=SESSION)],
    "two credentials": [
        Sent(headers={**BEARER, "X-API-Key": MALFORMED}),
        Sent(headers={"Authorization": "Bearer nonsense", "X-API-Key": "<service>"}),
        Sent(headers={**BEARER, "X-API-Key": "<service>"}),
        Sent(headers={**BEARER, "X-API-Key": "<customer>"}),
        Sent(headers={**SESSION, "X-API-Key": "<service>"}),
    ],
    "spellings of a bearer": [
        Sent(headers={"Authorization": "bearer <service>"}),
        Sent(headers={"Authorization": "Bearer  <service>"}),
        Sent(headers={"Authorization": "Bearer\t<service>"}),
        Sent(headers={"Authorization": "Bearer <service>,Bearer <service>"}),
    ],
    "two content types": [
        Sent(headers={"X-API-Key": "<service>", "content-type": "text/plain"}),
        Sent(headers={"X-API-Key": "<service>", "content-type": "application/json"}),
    ],
    "a query": [Sent(query="?a=b")],
    "a compressed body": [
        Sent(headers={"X-API-Key": "<service>", "Content-Encoding": "gzip"}),
        Sent(headers={"X-API-Key": "<service>", "Content-Encoding": "identity"}),
    ],
    "another host": [
        Sent(headers={"X-API-Key": "<service>", "Host": "evil.example"}),
        fast(headers={"X-API-Key": "<service>", "Host": "KEYHOUSE.localhost:8000"}),
    ],
    "texts that are no key": [fast(f'{{"key": "{"x" * 201}"}}'), fast('{"key": "\\u0000"}')],
    "texts that are no address": [
        fast('{"key": "<key>", "ip": "here"}'),
        fast('{"key": "<bound>", "ip": ""}'),
        fast(f'{{"key": "<unknown>", "ip": "{"1" * 65}"}}'),
    ],
    "another method": [Sent(method="GET"), Sent(method="PUT"), Sent(method="DELETE"), Sent(method="OPTIONS")],
}


class Way:
    """One way to verification, with its own customer, keys, service and staff."""

    def __init__(self, url: str, number: int) -> None:
        self.client = httpx.AsyncClient(base_url=url, headers={"Host": "keyhouse.localhost", **PROXIED})
        self.customer = make_user(email=f"customer@{number}.example")
        CreditBalance.objects.filter(pk=self.customer.pk).update(balance=10)
        common: dict[str, Any] = {"user": self.customer, "name": "key", "scopes": ["a:*"], "rate_limits": LIMITS}
        self.keys = {
            "<key>": make_key(**common, metadata={"ü": [1, 2.5, None]}),
            "<revoked>": make_key(**common, revoked_at=PAST),
            "<expired>": make_key(**common, expires_at=PAST),
            "<bound>": make_key(**{**common, "scopes": ["keys:verify"]}, ip_allowlist=["203.0.113.0/24"]),
            "<customer>": make_key(**common),
            "<service>": make_key(make_user(), scopes=["keys:verify"]),
        }
        self.session = sign_in(make_staff())["Authorization"].removeprefix("Bearer ")

    async def send(self, sent: Sent) -> httpx.Response:
        headers = [(name, self._own(value)) for name, value in sent.headers.items()]
        if sent.content_type:
            headers.append(("Content-Type", sent.content_type))
        content = self._own(sent.body).encode("utf-8", "surrogatepass")
        request = self.client.build_request("POST", VERIFY + sent.query, headers=headers, content=content)
        request.method = sent.method  # as it is written; httpx converts it to upper case
        return await self.client.send(request)

    async def rows_left(self) -> dict[str, Any]:
        """Return the rows that the customer's calls have left in the database."""
        places = {key.id: name for name, key in self.keys.items()}
        events = await rows(UsageRecord.objects.filter(user_id=self.customer.pk).order_by("id"))
        denials = await rows(UsageDenial.objects.filter(api_key_id__in=places))
        counters = await rows(ApiKeyCounter.objects.filter(pk__in=places))
        (balance,) = await rows(CreditBalance.objects.filter(pk=self.customer.pk))
        return {
            "events": [(places[event.api_key_id], event.cost, event.weight, event.tag) for event in events],
            "denials": sorted((places[denial.api_key_id], denial.code, denial.count) for denial in denials),
            "used": sorted((places[row.pk], row.budget_spent, row.last_used_at is None) for row in counters),
            "balance": balance.balance,
        }

    def _own(self, text: str) -> str:
        for name, key in self.keys.items():
            text = text.replace(name, key.secret)
        return text.replace("<session>", self.session).replace("<unknown>", generate_key("live"))


class CountedApplication:
    """Counts the requests that reach the application."""

    def __init__(self) -> None:
        self.requests = 0
        self._application: Application = RootApplication(ApiApplication(SETTINGS), application, SETTINGS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        await self._application(scope, receive, send)


@asynccontextmanager
async def fast_way(number: int, log: RecordedLog | None = None) -> AsyncIterator[tuple[Way, CountedApplication]]:
    """A way with the fast path, and the application that gets the other requests."""
    usual = CountedApplication()
    async with served(usual, {VERIFY: VerifyOperation(verification_service())}, SETTINGS, access_log=log) as server:
        way = await make(Way, server.url, number)
        async with way.client:
            yield way, usual


@pytest.mark.parametrize("requests", CASES.values(), ids=CASES.keys())
async def test_fast_path_and_operation_give_the_same_response(database: None, requests: list[Sent]):
    async with served(CountedApplication(), settings=SETTINGS) as server, fast_way(2) as (short, left):
        usual = await make(Way, server.url, 1)
        for sent in requests:
            answers = [await way.send(sent) for way in (usual, short)]
            assert _response(answers[0]) == _response(answers[1])
            assert _headers(answers[0]) == _headers(answers[1])
        assert left.requests == sum(not sent.is_fast for sent in requests)
        assert await usual.rows_left() == await short.rows_left()
        await usual.client.aclose()


async def test_the_responses_of_the_fast_path(database: None):
    # The comparison above would not notice two ways that are wrong in the same way.
    async with fast_way(1) as (way, _):
        codes = [(await way.send(sent)).json()["code"] for sent in MANY_CALLS]
        assert codes == ["VALID", "VALID", "INSUFFICIENT_CREDITS", "INSUFFICIENT_CREDITS"]
        assert (await way.rows_left())["balance"] == Decimal(2)
        refusals = [await way.send(sent) for sent in CASES["a bad credential"]]
        assert {answer.status_code for answer in refusals} == {401}
        assert (await way.send(CASES["a credential without the scope"][0])).status_code == 403
        assert (await way.send(CASES["a credential from elsewhere"][0])).status_code == 403
        codes = [(await way.send(sent)).json()["code"] for sent in CASES["texts that are no key"]]
        assert codes == ["NOT_FOUND"] * 2
        codes = [(await way.send(sent)).json()["code"] for sent in CASES["texts that are no address"]]
        assert codes == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND"]


async def test_an_api_key_has_the_same_request_ids_on_the_fast_path_and_on_the_operation(database: None):
    async with fast_way(1) as (way, left):
        body = '{"key": "<key>", "cost": "4", "request_id": "r"}'
        first = await way.send(fast(body))
        again = await way.send(Sent(body, headers={"Authorization": "bearer <service>"}))
        assert (again.status_code, again.json(), left.requests) == (200, first.json(), 1)
        other = Sent(body.replace("4", "3"), headers={"Authorization": "bearer <service>"})
        assert [(await way.send(sent)).status_code for sent in (other, fast(other.body))] == [409, 409]
        assert (await way.rows_left())["balance"] == 6


async def test_the_fast_path_logs_a_line_for_each_request(database: None):
    log = RecordedLog()
    async with fast_way(1, log) as (way, _):
        answer = await way.send(fast(headers={"X-API-Key": "<service>", "X-Request-ID": "trace-1"}))
        assert answer.headers["x-request-id"] == "trace-1"
    assert log.requests == [Logged("POST", VERIFY, 200, "trace-1", "192.0.2.77")]


def _response(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, OWN.sub("", answer.text)


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in VARYING_HEADERS}

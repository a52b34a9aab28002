"""The lane and the Ninja operation: whatever is asked, both give the same answer and leave the same behind."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.api_keys.models import ApiKeyCounter
from apps.api_keys.services.key_format import generate_key
from apps.core.http.api_application import ApiApplication
from apps.core.http.http_settings import HttpSettings
from apps.core.http.json_codec import ANONYMOUS_BODY_BYTES_MAXIMUM
from apps.core.http.root_application import RootApplication
from apps.credits.models import CreditBalance
from apps.usage.models import UsageDenial, UsageEvent
from apps.verification.routers import verify_fast_path as lane
from config.asgi import application
from tests.support.factories import make_key, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

VERIFY = "/api/v1/keys/verify"
LIMITS = [{"name": "minute", "limit": 3, "period_seconds": 60}, {"name": "day", "limit": 9, "period_seconds": 86400}]
PAST = datetime(2020, 1, 1, tzinfo=UTC)
MALFORMED = "sk_live_" + "0" * 38
# What differs although the answers are the same: what each way is asked about, and moments.
OWN = re.compile(r'"(key_id|user_id)":\d+|"request_id":"[0-9a-f]{32}"|"reset_at":"[^"]+"', re.ASCII)
OF_THE_MOMENT = {"x-request-id", "x-ratelimit-reset", "ratelimit", "content-length"}


@dataclass(frozen=True)
class Ask:
    """A request; `<key>`, `<service>`, `<customer>` and `<session>` stand for what each way has of its own."""

    body: str = '{"key": "<key>"}'
    headers: Mapping[str, str] = field(default_factory=lambda: {"X-API-Key": "<service>"})
    method: str = "POST"
    content_type: str | None = "application/json"
    query: str = ""
    takes_lane: bool = False


def good(body: str = '{"key": "<key>"}', **changes: Any) -> Ask:
    """Return a question that the lane answers."""
    return Ask(body, **{"takes_lane": True, **changes})


BEARER, SESSION = {"Authorization": "Bearer <service>"}, {"Authorization": "Bearer <session>"}
MANY_CALLS = [good('{"key": "<key>", "cost": "4"}')] * 4
# With a key in the place of its name it is ANONYMOUS_BODY_BYTES_MAXIMUM long.
LONG = '{"key": "<key>"}'.ljust(ANONYMOUS_BODY_BYTES_MAXIMUM + len("<key>") - len(generate_key("live")))
CASES: dict[str, list[Ask]] = {
    "a good key": [good()],
    "as a bearer": [good(headers=BEARER)],
    "everything said": [
        good('{"key":"<key>","cost":"1.5","weight":2,"scopes":["a:b"],"ip":"192.0.2.1","tag":"t ü","request_id":"r"}')
    ],
    "numbers": [good('{"key": "<key>", "cost": 1}'), good('{"key": "<key>", "cost": 0.25}')],
    "spaces and order": [good(' {\n "weight" : 1 , "key" : "<key>" } ')],
    "as long as is read of anybody": [good(LONG), good(LONG, headers={"X-API-Key": "<unknown>"})],
    "longer": [Ask(f"{LONG} "), Ask(f"{LONG} ", headers={"X-API-Key": "<unknown>"})],
    "the last of two": [good('{"key": "x", "key": "<key>"}')],
    "with a charset": [good(content_type="application/json; charset=utf-8")],
    "in capitals": [good(content_type="Application/JSON")],
    "until the credits end": MANY_CALLS,
    "until the window ends": [good()] * 5,
    "a weight beyond the window": [good('{"key": "<key>", "weight": 4}')],
    "a request repeated": [good('{"key": "<key>", "cost": "4", "request_id": "again \\" \\\\ {}"}')] * 3,
    "no such scope": [good('{"key": "<key>", "scopes": ["z:z"]}')],
    "a malformed key": [good(f'{{"key": "{MALFORMED}"}}'), good('{"key": ""}')],
    "an unknown key": [good('{"key": "<unknown>"}')],
    "a revoked key": [good('{"key": "<revoked>"}')],
    "an expired key": [good('{"key": "<expired>"}')],
    "an address not allowed": [good('{"key": "<bound>", "ip": "198.51.100.1"}'), good('{"key": "<bound>"}')],
    "no body": [Ask("")],
    "no JSON": [Ask("{"), Ask('{"key": NaN}'), Ask("\ufeff{}"), Ask('{"key": "\\ud800"}')],
    "no object": [Ask("[]"), Ask("null"), Ask('"<key>"')],
    "no key": [Ask("{}"), Ask('{"key": null}'), Ask('{"key": 7}')],
    "unknown fields": [Ask('{"key": "<key>", "more": 1}')],
    "bad values": [
        Ask('{"key": "<key>", "cost": "-1"}'),
        Ask('{"key": "<key>", "cost": "0.0000001"}'),
        Ask('{"key": "<key>", "cost": "NaN"}'),
        Ask('{"key": "<key>", "weight": 0}'),
        Ask('{"key": "<key>", "weight": "1"}'),
        Ask('{"key": "<key>", "ip": "here"}'),
        Ask('{"key": "<key>", "scopes": ["not a scope"]}'),
        Ask('{"key": "<key>", "tag": "\\u0000"}'),
        Ask('{"key": "<key>", "request_id": ""}'),
    ],
    "no content type": [Ask(content_type=None)],
    "another content type": [Ask(content_type="text/plain"), Ask(content_type="application/x-www-form-urlencoded")],
    "no credential": [Ask(headers={}), Ask("{", headers={})],
    "a bad credential": [
        Ask(headers={"X-API-Key": MALFORMED}),
        Ask(headers={"Authorization": "Bearer nonsense"}),
        Ask(headers={"Authorization": "Basic YTpi"}),
        good(headers={"X-API-Key": "<unknown>"}),
        good(headers={"X-API-Key": "<revoked>"}),
        good(headers={"Authorization": "Bearer <expired>"}),
    ],
    "a credential from elsewhere": [good(headers={"X-API-Key": "<bound>"})],
    "a credential without the scope": [good(headers={"X-API-Key": "<customer>"})],
    "a bad question without the scope": [Ask("{}", headers={"X-API-Key": "<customer>"})],
    "a session of staff": [Ask(headers=SESSION)],
    "two credentials": [
        Ask(headers={**BEARER, "X-API-Key": MALFORMED}),
        Ask(headers={"Authorization": "Bearer nonsense", "X-API-Key": "<service>"}),
    ],
    "two content types": [
        Ask(headers={"X-API-Key": "<service>", "content-type": "text/plain"}),
        Ask(headers={"X-API-Key": "<service>", "content-type": "application/json"}),
    ],
    "a query": [Ask(query="?a=b")],
    "another method": [Ask(method="GET"), Ask(method="PUT"), Ask(method="DELETE"), Ask(method="OPTIONS")],
}


class Way:
    """One way to the verification, with a customer, keys, a service and staff of its own."""

    def __init__(self, door: Any, number: int) -> None:
        transport = httpx.ASGITransport(app=door, client=("192.0.2.77", 7))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost")
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

    async def ask(self, ask: Ask) -> httpx.Response:
        headers = [(name, self._own(value)) for name, value in ask.headers.items()]
        if ask.content_type:
            headers.append(("Content-Type", ask.content_type))
        content = self._own(ask.body).encode("utf-8", "surrogatepass")
        return await self.client.request(ask.method, VERIFY + ask.query, headers=headers, content=content)

    async def left_behind(self) -> dict[str, Any]:
        """Return what the customer's calls have left in the database."""
        places = {key.id: name for name, key in self.keys.items()}
        events = await rows(UsageEvent.objects.filter(user_id=self.customer.pk).order_by("id"))
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


@pytest.fixture
def lane_takes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the lane took each request it was shown."""
    taken: list[bool] = []
    judge: Callable[..., Any] = vars(lane)["verification_service"]

    def note() -> Any:
        taken.append(True)
        return judge()

    monkeypatch.setattr(lane, "verification_service", note)
    return taken


@pytest.mark.parametrize("asks", CASES.values(), ids=CASES.keys())
async def test_both_ways_give_the_same_answer(database: None, lane_takes: list[bool], asks: list[Ask]):
    settings = HttpSettings()
    usual = await make(Way, RootApplication(ApiApplication(settings), application, settings), 1)
    short = await make(Way, application, 2)
    for ask in asks:
        answers = [await way.ask(ask) for way in (usual, short)]
        assert _said(answers[0]) == _said(answers[1])
        assert _headers(answers[0]) == _headers(answers[1])
    assert len(lane_takes) == sum(ask.takes_lane for ask in asks)
    assert await usual.left_behind() == await short.left_behind()


async def test_the_answers_are_what_they_should_be(database: None):
    # The comparison above would be content with two ways that are wrong alike.
    way = await make(Way, application, 1)
    codes = [(await way.ask(ask)).json()["code"] for ask in MANY_CALLS]
    assert codes == ["VALID", "VALID", "INSUFFICIENT_CREDITS", "INSUFFICIENT_CREDITS"]
    assert (await way.left_behind())["balance"] == Decimal(2)
    refusals = [await way.ask(ask) for ask in CASES["a bad credential"]]
    assert {answer.status_code for answer in refusals} == {401}
    assert (await way.ask(CASES["a credential without the scope"][0])).status_code == 403
    assert (await way.ask(CASES["a credential from elsewhere"][0])).status_code == 403


def _said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, OWN.sub("", answer.text)


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_THE_MOMENT}

"""A key's own rate limits and its budget, over the API and by `create_api_key`."""

import io
import json
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.audit.models import AuditEvent
from tests.support.accounts import audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows

KEYS = "/api/v1/api-keys"
MINUTE = {"name": "minute", "limit": 6000, "period_seconds": 60}
BURST = {"name": "burst", "limit": 0, "period_seconds": 1}


async def test_a_new_key_has_no_rate_limits_of_its_own_and_no_budget(api: httpx.AsyncClient):
    me = await customer()
    made = (await api.post(KEYS, json={"name": "k", "rate_limits": []}, headers=me.headers)).json()
    assert (made["rate_limits"], made["budget"], made["budget_spent"]) == ([], None, "0.000000")


async def test_staff_set_rate_limits_of_a_key(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    wish = {"name": "k", "rate_limits": [MINUTE, BURST]}
    made = await api.post(f"/api/v1/users/{me.id}/api-keys", json=wish, headers=staff.headers)
    assert (made.status_code, made.json()["rate_limits"]) == (201, [MINUTE, BURST])
    path = f"{KEYS}/{made.json()['id']}"
    changed = await api.patch(path, json={"rate_limits": [BURST]}, headers=staff.headers)
    assert (changed.status_code, changed.json()["rate_limits"]) == (200, [BURST])
    assert (await api.get(path, headers=me.headers)).json()["rate_limits"] == [BURST]
    created, updated = await rows(AuditEvent.objects.order_by("id"))
    assert created.after["rate_limits"] == [MINUTE, BURST]
    assert (updated.before, updated.after) == ({"rate_limits": [MINUTE, BURST]}, {"rate_limits": [BURST]})
    assert (await api.patch(path, json={"rate_limits": []}, headers=staff.headers)).json()["rate_limits"] == []


@pytest.mark.parametrize("rate_limits", [[BURST], []], ids=["some", "none"])
async def test_customers_may_not_set_rate_limits(api: httpx.AsyncClient, rate_limits: list[dict[str, Any]]):
    me = await customer()
    caller = await make(make_key, me.user, scopes=["account:read", "account:write"])
    key = await make(make_key, me.user, rate_limits=[BURST])
    for headers in (me.headers, caller.headers):
        response = await api.patch(
            f"{KEYS}/{key.id}", json={"rate_limits": rate_limits, "name": "new"}, headers=headers
        )
        assert_error(response, 403, "FORBIDDEN", field="rate_limits")
    response = await api.post(KEYS, json={"name": "k", "rate_limits": [MINUTE]}, headers=me.headers)
    assert_error(response, 403, "FORBIDDEN", field="rate_limits")
    untouched, row = await rows(ApiKey.objects.order_by("id"))
    assert (untouched.rate_limits, row.rate_limits, row.name, await audited()) == ([], [BURST], "key", [])


async def test_owners_and_staff_set_and_remove_a_budget(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    made = (await api.post(KEYS, json={"name": "k", "budget": "12.5"}, headers=me.headers)).json()
    assert made["budget"] == "12.500000"
    path = f"{KEYS}/{made['id']}"
    for headers, budget, shown in (
        (me.headers, "0", "0.000000"),
        (staff.headers, "99999999999999.999999", "99999999999999.999999"),
        (me.headers, None, None),
    ):
        changed = await api.patch(path, json={"budget": budget}, headers=headers)
        assert (changed.status_code, changed.json()["budget"]) == (200, shown)
        assert (await api.get(path, headers=me.headers)).json()["budget"] == shown
    created, *_, last = await rows(AuditEvent.objects.order_by("id"))
    assert created.after["budget"] == "12.500000"
    assert (last.before, last.after) == ({"budget": "99999999999999.999999"}, {"budget": None})


async def test_every_response_shows_the_spending(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, budget="5")
    await make(ApiKeyCounter.objects.filter(pk=key.id).update, budget_spent="1.000001")
    path = f"{KEYS}/{key.id}"
    answers = [
        await api.get(path, headers=me.headers),
        await api.patch(path, json={"budget": "0.5"}, headers=me.headers),
        await api.post(f"{path}/rotate", headers=me.headers),
        await api.post(f"{path}/revoke", headers=me.headers),
    ]
    listed = (await api.get(KEYS, headers=me.headers)).json()["items"]
    assert [answer.json()["budget_spent"] for answer in answers] == ["1.000001"] * 4
    assert [(shown["budget"], shown["budget_spent"]) for shown in listed] == [("0.500000", "1.000001")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *[({"budget": value}, "budget") for value in ("-1", "0.0000001", "1e3", "", "NaN", -5, 1e10, True)],
        ({"budget": "100000000000000"}, "budget"),
        ({"budget_spent": "0"}, "budget_spent"),
        ({"rate_limits": [{**BURST, "name": "a b"}]}, "rate_limits.0.name"),
        ({"rate_limits": [{**BURST, "limit": "5"}]}, "rate_limits.0.limit"),
        ({"rate_limits": [BURST, {**MINUTE, "period_seconds": 0}]}, "rate_limits.1.period_seconds"),
        ({"rate_limits": [{**BURST, "surprise": 1}]}, "rate_limits.0.surprise"),
        ({"rate_limits": [BURST, BURST]}, "rate_limits"),
        ({"rate_limits": [{**BURST, "name": str(number)} for number in range(11)]}, "rate_limits"),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_malformed_limits_are_rejected(api: httpx.AsyncClient, change: dict[str, Any], field: str):
    staff = await colleague()
    key = await make(make_key)
    made = await api.post(KEYS, json={"name": "k", **change}, headers=staff.headers)
    changed = await api.patch(f"{KEYS}/{key.id}", json={"name": "new", **change}, headers=staff.headers)
    for response in (made, changed):
        assert_error(response, 422, "VALIDATION_FAILED", field=field)
    (row,) = await rows(ApiKey.objects.all())
    assert (row.name, row.rate_limits, row.budget, await audited()) == ("key", [], None, [])


def create_by_command(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("create_api_key", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.usefixtures("database")
def test_the_command_accepts_rate_limits_and_a_budget():
    options = ["--rate-limit", "minute:6000:60", "--rate-limit=burst:0:1"]
    made = create_by_command("--user", make_user().email, *options, "--budget", "2.5")
    assert (made["rate_limits"], made["budget"]) == ([MINUTE, BURST], "2.500000")
    assert ApiKey.objects.get().rate_limits == [MINUTE, BURST]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate-limit", "minute"], "must be NAME:LIMIT:PERIOD_SECONDS"),
        (["--rate-limit", "minute:60"], "must be NAME:LIMIT:PERIOD_SECONDS"),
        (["--rate-limit", "minute:60:minute"], "must be NAME:LIMIT:PERIOD_SECONDS"),
        (["--rate-limit", "minute:-1:60"], "must be NAME:LIMIT:PERIOD_SECONDS"),
        (["--rate-limit", "a:b:60:60"], "must be NAME:LIMIT:PERIOD_SECONDS"),
        (["--rate-limit", ":60:60"], "rate_limits.0.name: String should have at least 1 character"),
        (["--rate-limit", "minute:60:0"], "rate_limits.0.period_seconds: Input should be greater"),
        (["--rate-limit", "a:1:1", "--rate-limit", "a:2:2"], "unique name for each"),
        (["--budget", "-1"], "budget"),
        (["--budget=-1"], "budget: Input should be greater"),
        (["--budget", "many"], "budget: must be a decimal"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_command_reports_errors_in_one_line(arguments: list[str], message: str):
    with pytest.raises(CommandError, match=r"\A[^\n]+\Z") as refusal:
        create_by_command("--user", make_user().email, *arguments)
    assert message in str(refusal.value)
    assert not ApiKey.objects.exists()

"""The last refused calls of each key are kept, with what they asked for, in bounded space."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from apps.core.event_loop import call_service
from apps.usage.dependencies import refusal_samples, refusals, usage_personal_data
from apps.usage.domain.calls import RefusedCall
from apps.usage.models import Refusal
from apps.usage.repositories.refusal_repository import RefusalRepository
from tests.integration.verification.verifying import BATCH_PATH, denials, make_limited_key, verify
from tests.support.factories import give_credits, make_key, make_service_key
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")


def refused(key_id: int, request_id: str = "r", user_id: int = 1, **fields: Any) -> RefusedCall:
    given = {"occurred_at": timezone.now(), "code": "DISABLED", "detail": "revoked", "address": None, **fields}
    return RefusedCall(
        **{"cost": Decimal(0), "weight": 1, "scopes": (), "tag": "", "rate_limits": (), "balance": None, **given},
        user_id=user_id,
        api_key_id=key_id,
        request_id=request_id,
    )


def write(repository: RefusalRepository, *calls: RefusedCall) -> None:
    call_service(repository.write, calls)


def kept(**conditions: Any) -> list[str]:
    return list(Refusal.objects.filter(**conditions).order_by("id").values_list("request_id", flat=True))


@pytest.fixture(autouse=True)
def _nothing_waits():
    """Let no sample of another test wait."""
    refusal_samples()._begin()


async def written() -> list[Refusal]:
    assert await refusal_samples().write() is False
    return await rows(Refusal.objects.order_by("id"))


async def test_refused_call_is_kept_with_what_it_asked_for(api):
    key = await make(make_limited_key, ("minute", 2, 60), ip_allowlist=["192.0.2.0/24"])
    await make(give_credits, key.row.user, 3)
    for _ in range(2):
        await verify(api, key.secret, ip="192.0.2.9", cost="1")
    asked: dict[str, Any] = {
        "ip": "192.0.2.9",
        "cost": "0.5",
        "scopes": ["account:read"],
        "tag": "eu",
        "request_id": "call 7",
    }
    verdict = await verify(api, key.secret, weight=1, **asked)
    assert verdict["code"] == "RATE_LIMITED"
    (sample,) = await written()
    assert (sample.user_id, sample.api_key_id) == (key.row.user_id, key.id)
    assert (sample.code, sample.detail, sample.request_id, sample.tag) == ("RATE_LIMITED", "minute", "call 7", "eu")
    assert (sample.address, sample.scopes, sample.cost, sample.weight) == (
        "192.0.2.9",
        ["account:read"],
        Decimal("0.5"),
        1,
    )
    assert sample.rate_limits == [{"name": "minute", "limit": 2, "period_seconds": 60, "remaining": 0}]
    assert sample.balance == 1
    assert abs(sample.occurred_at - timezone.now()) < timedelta(minutes=1)


async def test_every_refusal_of_a_batch_is_kept_and_no_allowed_call(api):
    service, revoked = await make(make_service_key), await make(make_key, revoked_at=timezone.now())
    poor = await make(make_key)
    calls = [
        {"key": revoked.secret, "request_id": "1"},
        {"key": poor.secret, "request_id": "2"},
        {"key": poor.secret, "request_id": "3", "cost": "1"},
        {"key": "sk_live_nonsense", "request_id": "4"},
        {"key": poor.secret, "request_id": "5", "ip": "nowhere"},
    ]
    response = await api.post(BATCH_PATH, json={"items": calls}, headers=service.headers)
    assert response.status_code == 200
    assert [(sample.request_id, sample.code, sample.detail, sample.api_key_id) for sample in await written()] == [
        ("1", "DISABLED", "revoked", revoked.id),
        ("3", "INSUFFICIENT_CREDITS", "balance", poor.id),
        ("5", "FORBIDDEN", "address_unreadable", poor.id),
        ("4", "NOT_FOUND", "", 0),
    ]
    assert sum((await denials()).values()) == 3


async def test_retry_of_a_refused_call_is_kept_once(api):
    service, key = await make(make_service_key), await make(make_key)
    for _ in range(3):
        await verify(api, key.secret, service, cost="1", request_id="again")
    assert [sample.request_id for sample in await written()] == ["again"]


async def test_refusal_on_keyhouses_own_api_is_not_a_call_of_the_key(api):
    key = await make(make_key, is_active=False)
    assert (await api.get("/api/v1/users/me", headers=key.headers)).status_code == 401
    assert await written() == []


def test_only_the_newest_of_a_key_stay():
    repository = RefusalRepository(per_key=3, hours=24)
    write(repository, refused(1, "a"), refused(2, "other"))
    write(repository, refused(1, "b"), refused(1, "c"))
    write(repository, refused(1, "d"))
    assert kept(api_key_id=1) == ["b", "c", "d"]
    write(repository, *(refused(1, str(number)) for number in range(3)))
    assert kept(api_key_id=1) == ["0", "1", "2"]
    assert kept(api_key_id=2) == ["other"]


def test_only_the_newest_of_all_stay():
    repository = RefusalRepository(per_key=3, hours=24, in_all=4)
    for key_id in range(1, 10):
        write(repository, refused(key_id, str(key_id)))
    assert len(kept()) == 4
    assert kept()[-1] == "9"


def test_writer_does_not_wait_for_rows_that_another_removes():
    repository = RefusalRepository(per_key=2, hours=24)
    write(repository, refused(1, "a"), refused(1, "b"))
    with transaction.atomic():
        Refusal.objects.select_for_update().get(request_id="a")
        write(repository, refused(1, "c"))
    assert kept() == ["a", "b", "c"]
    write(repository, refused(1, "d"))
    assert kept() == ["c", "d"]


def test_old_refusals_are_not_shown_and_cleaned_up():
    repository = refusals()
    write(repository, refused(1, "old", occurred_at=timezone.now() - timedelta(hours=25)), refused(1, "new"))
    assert [row.request_id for row in call_service(repository.newest_of_key, 1, 10)] == ["new"]
    out = StringIO()
    call_command("clean_up", "--json", stdout=out)
    assert json.loads(out.getvalue())["refusals"] == 1
    assert kept() == ["new"]


def test_refusals_are_exported_and_erased():
    mine, other = make_key(), make_key()
    for key in (mine, other):
        sample = refused(key.id, user_id=key.row.user_id, address="192.0.2.7", code="FORBIDDEN", detail="owner_locked")
        write(refusals(), sample)
    exported = call_service(usage_personal_data().export, mine.row.user_id)["refused_calls"]
    assert (exported["total"], [call.ip for call in exported["items"]]) == (1, ["192.0.2.7"])
    call_service(usage_personal_data().erase, mine.row.user_id)
    assert list(Refusal.objects.values_list("user_id", flat=True)) == [other.row.user_id]

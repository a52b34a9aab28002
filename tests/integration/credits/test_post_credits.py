"""`POST /api/v1/users/{id}/credits`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import STAFF_SCOPES
from apps.credits.models import CreditBalance, CreditTransaction
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows

LARGEST = "99999999999999.999999"


@pytest.fixture
def post(api: httpx.AsyncClient):
    async def send(by: Any, user_id: Any, json: Any = None, **fields: Any) -> httpx.Response:
        body = {"amount": "10", **fields} if json is None else json
        return await api.post(f"/api/v1/users/{user_id}/credits", json=body, headers=by.headers)

    return send


async def state_of(account: Account) -> tuple[str, list[str]]:
    """Return the balance and the amounts of the ledger, oldest first."""
    (balance,) = await rows(CreditBalance.objects.filter(pk=account.id))
    entries = await rows(CreditTransaction.objects.filter(user_id=account.id).order_by("id"))
    return str(balance.balance), [str(entry.amount) for entry in entries]


async def test_credits_are_posted(post):
    me, staff = await customer(), await colleague()
    response = await post(staff, me.id, amount="12.5", description=" paid ", reference_id="invoice 7")
    posted = response.json()
    assert response.status_code == 201
    assert abs(datetime.fromisoformat(posted.pop("occurred_at")) - datetime.now(UTC)) < timedelta(seconds=30)
    assert posted == {
        "id": posted["id"],
        "user_id": me.id,
        "type": "top_up",
        "amount": "12.500000",
        "balance_after": "12.500000",
        "description": "paid",
        "reference_id": "invoice 7",
        "actor_id": staff.id,
    }
    assert await state_of(me) == ("12.500000", ["12.500000"])
    (entry,) = await rows(CreditTransaction.objects.all())
    assert (entry.pk, entry.actor_id, entry.actor_kind) == (posted["id"], staff.id, "session")


async def test_a_posting_is_audited(post):
    me, staff = await customer(), await colleague()
    posted = (await post(staff, me.id, amount="3", type="refund", description="sorry")).json()
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.target_kind, event.target_id) == ("credits.posted", "user", me.id)
    assert (event.actor_id, event.before) == (staff.id, {"balance": "0.000000"})
    assert event.after == {
        "type": "refund",
        "amount": "3.000000",
        "description": "sorry",
        "reference_id": "",
        "balance": "3.000000",
        "transaction_id": posted["id"],
    }


async def test_goodwill_is_a_kind_of_its_own(api: httpx.AsyncClient, post):
    me, staff = await customer(), await colleague("credits:adjust")
    posted = await post(staff, me.id, type="goodwill", description="sorry for the outage")
    assert (posted.status_code, posted.json()["type"]) == (201, "goodwill")
    ledger = "/api/v1/credits/transactions"
    for kind, ids in (("goodwill", [posted.json()["id"]]), ("refund", [])):
        items = (await api.get(ledger, params={"type": kind}, headers=me.headers)).json()["items"]
        assert [item["id"] for item in items] == ids
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.after["type"]) == ("credits.posted", "goodwill")
    seller = await colleague("credits:grant")
    assert_error(await post(seller, me.id, type="goodwill"), 403, "INSUFFICIENT_SCOPES")


async def test_the_reason_is_kept_for_staff_alone(api: httpx.AsyncClient, post):
    me, staff = await customer(), await colleague()
    posted = await post(staff, me.id, type="goodwill", description="sorry", reason="threatens to leave")
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.reason, "reason" in event.after) == ("threatens to leave", False)
    ledger, events, export = [
        (await api.get(f"/api/v1{path}", headers=me.headers)).text
        for path in ("/credits/transactions", "/auth/events", "/users/me/export")
    ]
    assert "sorry" in ledger
    assert "credits.posted" in events
    for shown in (posted.text, ledger, events, export):
        assert "threatens" not in shown


async def test_a_key_of_staff_posts_credits(post):
    me, staff = await customer(), await colleague()
    key = await make(make_key, staff.user, scopes=sorted(STAFF_SCOPES))
    assert (await post(key, me.id)).status_code == 201
    (entry,) = await rows(CreditTransaction.objects.all())
    assert (entry.actor_id, entry.actor_kind) == (staff.id, "api_key")


async def test_a_balance_is_the_sum_of_its_postings(post):
    me, staff = await customer(), await colleague()
    for amount in ("0.1", "0.2", 3, "99.999999"):
        await post(staff, me.id, amount=amount)
    taken = await post(staff, me.id, amount="-103.299998", type="adjustment", description="too much")
    assert taken.json()["balance_after"] == "0.000001"
    assert (await state_of(me))[0] == "0.000001"


@pytest.mark.parametrize("name", ["reference_id", "request_id"])
async def test_a_reference_posts_once(post, name: str):
    me, staff, other_staff = await customer(), await colleague(), await colleague()
    first = await post(staff, me.id, **{name: "invoice 7"})
    again = await post(other_staff, me.id, reference_id="invoice 7", description="once more")
    assert (again.status_code, again.json()) == (201, first.json())
    assert await state_of(me) == ("10.000000", ["10.000000"])
    assert await audited() == [("credits.posted", me.id, staff.id)]


async def test_references_of_customers_are_independent(post):
    me, other, staff = await customer(), await customer(), await colleague()
    ids = [(await post(staff, account.id, reference_id="invoice 7")).json()["id"] for account in (me, other)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "other", [{"amount": "10.000001"}, {"type": "refund"}, {"amount": "-10", "type": "adjustment", "description": "x"}]
)
async def test_a_reference_belongs_to_one_movement(post, other: dict[str, Any]):
    me, staff = await customer(), await colleague()
    await post(staff, me.id, reference_id="invoice 7")
    refused = await post(staff, me.id, **{"reference_id": "invoice 7", **other})
    assert_error(refused, 409, "REFERENCE_USED", field="reference_id")
    assert await state_of(me) == ("10.000000", ["10.000000"])


async def test_a_balance_never_falls_below_zero(post):
    me, staff = await customer(), await colleague()
    await post(staff, me.id)
    refused = await post(staff, me.id, amount="-10.000001", type="adjustment", description="x", reference_id="r")
    assert_error(refused, 402, "INSUFFICIENT_CREDITS", field="amount")
    assert await state_of(me) == ("10.000000", ["10.000000"])
    assert len(await audited()) == 1
    later = await post(staff, me.id, amount="-10", type="adjustment", description="x", reference_id="r")
    assert later.json()["balance_after"] == "0.000000"


async def test_a_balance_never_exceeds_the_maximum(post):
    me, staff = await customer(), await colleague()
    assert (await post(staff, me.id, amount=LARGEST)).json()["balance_after"] == LARGEST
    assert_error(await post(staff, me.id, amount="0.000001"), 409, "BALANCE_TOO_LARGE", field="amount")
    assert await state_of(me) == (LARGEST, [LARGEST])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": 0.0}, "amount"),
        ({"amount": 0.1 + 0.2}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "0.0000001"}, "amount"),
        ({"amount": "100000000000000"}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "-1", "type": "refund"}, "amount"),
        ({"type": "adjustment"}, "description"),
        ({"type": "usage"}, "type"),
        ({"description": "d" * 501}, "description"),
        ({"reference_id": ""}, "reference_id"),
        ({"reference_id": "a\x00"}, "reference_id"),
        ({"balance": "7"}, "balance"),
    ],
)
async def test_invalid_postings_are_rejected(post, wrong: dict[str, Any], field: str):
    me, staff = await customer(), await colleague()
    assert_error(await post(staff, me.id, **wrong), 422, "VALIDATION_FAILED", field=field)
    assert await state_of(me) == ("0.000000", [])


@pytest.mark.parametrize("body", [[], "x", 7, {}])
async def test_malformed_bodies_are_rejected(post, body: Any):
    me, staff = await customer(), await colleague()
    assert_error(await post(staff, me.id, json=body), 422, "VALIDATION_FAILED")


async def test_only_staff_post_credits(api: httpx.AsyncClient, post):
    me, staff = await customer(), await colleague()
    plain, own = await make(make_key, staff.user), await make(make_key, me.user, scopes=sorted(STAFF_SCOPES))
    reader = await colleague("credits:read", "credits:adjust")
    for caller, code in (
        (me, "FORBIDDEN"),
        (own, "FORBIDDEN"),
        (plain, "INSUFFICIENT_SCOPES"),
        (reader, "INSUFFICIENT_SCOPES"),
    ):
        assert_error(await post(caller, me.id), 403, code)
        assert_error(await post(caller, 10**9), 403, code)
    assert_error(await api.post(f"/api/v1/users/{me.id}/credits", json={"amount": "1"}), 401, "NOT_AUTHENTICATED")
    assert await state_of(me) == ("0.000000", [])


async def test_nobody_posts_credits_to_themselves(post):
    for caller in (await colleague(), await superuser()):
        key = await make(make_key, caller.user, scopes=["credits:grant"])
        for credential in (caller, key):
            assert_error(await post(credential, caller.id), 403, "FORBIDDEN")
        assert await state_of(caller) == ("0.000000", [])


async def test_an_unknown_account_is_not_found(post):
    staff, gone = await colleague(), await make(make_user, deleted_at=timezone.now())
    for user_id in (10**9, gone.pk, 2**63 - 1):
        assert_error(await post(staff, user_id), 404, "NOT_FOUND")
    assert_error(await post(staff, 2**63), 422, "VALIDATION_FAILED", field="user_id")
    assert await rows(CreditTransaction.objects.all()) == []


async def test_a_suspended_account_may_be_refunded(post):
    staff, shut = await colleague(), await make(make_user, is_active=False)
    assert (await post(staff, shut.pk, type="refund")).status_code == 201


async def test_amounts_are_exact(post):
    me, staff = await customer(), await colleague()
    for amount in ("0.1", "0.2", "0.000003"):
        await post(staff, me.id, amount=amount)
    (balance,) = await rows(CreditBalance.objects.filter(pk=me.id))
    assert balance.balance == Decimal("0.300003")
    assert balance.updated_at >= me.user.created_at

"""What the credit service allows, writes and records."""

from decimal import Decimal
from typing import Any

import pytest

from apps.core.authorization.catalogue import ACCOUNT_READ, CREDITS_ADJUST, CREDITS_GRANT, CREDITS_READ, STAFF_MANAGE
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import Conflict, InsufficientCredits, InsufficientScopes, NotAllowed, NotFound
from apps.credits.schemas.credit_transaction import CreditPosting, LedgerQuery
from apps.credits.services.credit_service import CreditService
from apps.credits.services.in_transaction.postings import Postings
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeAccounts, FakeAudit, FakeUsers, unsaved_user
from tests.unit.credits.fake_credits import FakeCredits, NoApprovals

pytestmark = pytest.mark.unit

ME, OTHER, MISSING = 1, 2, 404
COLLEAGUE = staff_of(3, CREDITS_READ, CREDITS_GRANT, CREDITS_ADJUST)


@pytest.fixture
def stored() -> FakeCredits:
    return FakeCredits(user1="10.000000", user2="0.000000", user3="0.000000")


@pytest.fixture
def audit() -> FakeAudit:
    return FakeAudit()


@pytest.fixture
def service(stored: Any, audit: Any) -> CreditService:
    users: Any = FakeUsers(unsaved_user(ME), unsaved_user(OTHER), unsaved_user(3, is_staff=True))
    requests: Any = NoApprovals()
    return CreditService(stored, UserService(users), FakeAccounts(users), Postings(stored, audit), requests)


def posting(**fields: Any) -> CreditPosting:
    return CreditPosting.model_validate({"amount": "5", **fields})


def adjustment(amount: str, **fields: Any) -> CreditPosting:
    return posting(type="adjustment", amount=amount, description="counted again", **fields)


@pytest.mark.parametrize(
    ("actor", "user_id", "balance"),
    [
        (session_of(ME), None, "10.000000"),
        (session_of(ME), ME, "10.000000"),
        (key_of(ME, ACCOUNT_READ), None, "10.000000"),
        (COLLEAGUE, None, "0.000000"),
        (COLLEAGUE, ME, "10.000000"),
        (OPERATOR, ME, "10.000000"),
    ],
)
async def test_a_balance_is_read(service, actor, user_id, balance):
    shown = await service.balance(actor, user_id)
    assert shown.model_dump() == {"user_id": user_id or actor.user_id, "balance": balance}


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), OTHER, NotAllowed),
        (session_of(ME), MISSING, NotAllowed),
        (key_of(ME), ME, InsufficientScopes),
        (key_of(3, is_staff=True), ME, InsufficientScopes),
        (staff_of(3, CREDITS_GRANT), ME, InsufficientScopes),
        (COLLEAGUE, MISSING, NotFound),
        (OPERATOR, None, NotAllowed),
    ],
)
async def test_reading_a_balance_is_refused(service, actor, user_id, error):
    with pytest.raises(error):
        await service.balance(actor, user_id)
    with pytest.raises(error):
        await service.page(actor, LedgerQuery(user_id=user_id))


async def test_a_ledger_is_paged(service, stored):
    for _ in range(3):
        await service.post(COLLEAGUE, ME, posting())
    page = await service.page(session_of(ME), LedgerQuery(page=2, size=2, type="top_up"))
    assert stored.queries == [(ME, {"offset": 2, "size": 2, "only_type": "top_up"})]
    assert (page.total, page.pages, [entry.balance_after for entry in page.items]) == (3, 2, [25, 20, 15])


@pytest.mark.parametrize(
    "actor",
    [staff_of(3, CREDITS_GRANT), OPERATOR, key_of(3, CREDITS_GRANT, is_staff=True)],
    ids=["staff", "cli", "key"],
)
async def test_staff_post_credits(service, stored, audit, actor):
    entry = await service.post(actor, ME, posting(description="paid", reference_id="invoice 7"))
    assert (entry.amount, entry.balance_after, stored.balances[ME]) == (5, 15, 15)
    assert (entry.type, entry.description, entry.reference_id) == ("top_up", "paid", "invoice 7")
    assert entry.actor_id == actor.user_id
    (recorded,) = audit.entries
    assert (recorded.actor, recorded.action, recorded.target_kind) == (actor, "credits.posted", "user")
    assert (recorded.before, recorded.after["balance"]) == ({"balance": 10}, 15)


@pytest.mark.parametrize(
    "actor",
    [
        session_of(ME),
        staff_of(ME, CREDITS_GRANT),
        staff_of(ME, is_superuser=True),
        key_of(ME, CREDITS_GRANT, is_staff=True),
        staff_of(3, CREDITS_READ, CREDITS_ADJUST),
        key_of(3, is_staff=True),
    ],
    ids=["customer", "own", "own superuser", "own key", "without the scope", "plain key"],
)
async def test_others_may_not_post_credits(service, stored, audit, actor):
    with pytest.raises(NotAllowed):
        await service.post(actor, ME, posting())
    assert (stored.ledger, stored.balances[ME], audit.entries) == ([], 10, [])


@pytest.mark.parametrize(
    "change", [adjustment("5"), adjustment("-5"), posting(type="refund"), posting(type="goodwill")]
)
async def test_adjusting_is_another_right_than_granting(service, stored, change):
    with pytest.raises(InsufficientScopes, match=CREDITS_ADJUST):
        await service.post(staff_of(3, CREDITS_GRANT), ME, change)
    assert stored.balances[ME] == 10
    await service.post(staff_of(3, CREDITS_ADJUST), ME, change)
    assert stored.balances[ME] == 10 + change.amount


async def test_colleagues_are_credited_by_those_who_manage_staff(service, stored):
    with pytest.raises(InsufficientScopes, match=STAFF_MANAGE):
        await service.post(staff_of(5, CREDITS_GRANT), 3, posting())
    await service.post(staff_of(5, CREDITS_GRANT, STAFF_MANAGE), 3, posting())
    assert stored.balances[3] == 5


async def test_a_reference_posts_once(service, stored):
    first = await service.post(COLLEAGUE, ME, posting(reference_id="invoice 7"))
    again = await service.post(OPERATOR, ME, posting(reference_id="invoice 7", description="again"))
    assert again == first
    assert (len(stored.ledger), stored.balances[ME]) == (1, 15)


async def test_references_of_customers_are_independent(service, stored):
    await service.post(COLLEAGUE, ME, posting(reference_id="invoice 7"))
    await service.post(COLLEAGUE, OTHER, posting(reference_id="invoice 7"))
    assert (stored.balances[ME], stored.balances[OTHER]) == (15, 5)


async def test_without_a_reference_each_posting_counts(service, stored):
    shown = [(await service.post(COLLEAGUE, ME, posting())).reference_id for _ in range(2)]
    assert (shown, stored.balances[ME]) == ([None, None], 20)


@pytest.mark.parametrize(
    "other", [{"amount": "6"}, {"type": "goodwill"}, {"type": "refund"}, {"type": "adjustment", "description": "x"}]
)
async def test_a_reference_belongs_to_one_movement(service, stored, other):
    await service.post(COLLEAGUE, ME, posting(reference_id="invoice 7"))
    with pytest.raises(Conflict) as refusal:
        await service.post(COLLEAGUE, ME, posting(reference_id="invoice 7", **other))
    assert (refusal.value.code, refusal.value.details[0].field) == ("REFERENCE_USED", "reference_id")
    assert stored.balances[ME] == 15


async def test_a_balance_does_not_fall_below_zero(service, stored):
    assert (await service.post(COLLEAGUE, ME, adjustment("-10"))).balance_after == 0
    with pytest.raises(InsufficientCredits) as refusal:
        await service.post(COLLEAGUE, ME, adjustment("-0.000001"))
    assert (refusal.value.status, refusal.value.code) == (402, "INSUFFICIENT_CREDITS")
    assert (len(stored.ledger), stored.balances[ME]) == (1, 0)


async def test_a_balance_does_not_exceed_the_maximum(service, stored):
    largest = "99999999999999.999999"
    assert str((await service.post(COLLEAGUE, OTHER, posting(amount=largest))).balance_after) == largest
    with pytest.raises(Conflict) as refusal:
        await service.post(COLLEAGUE, OTHER, posting(amount="0.000001"))
    assert refusal.value.code == "BALANCE_TOO_LARGE"
    assert len(stored.ledger) == 1


async def test_a_preview_posts_nothing(service, stored, audit):
    shown = await service.preview(COLLEAGUE, ME, adjustment("-2.5"))
    assert (shown.balance, shown.balance_after) == (10, Decimal("7.5"))
    assert (stored.ledger, stored.balances[ME], audit.entries) == ([], 10, [])


@pytest.mark.parametrize(
    ("actor", "user_id", "change", "error"),
    [
        (COLLEAGUE, ME, adjustment("-11"), InsufficientCredits),
        (COLLEAGUE, ME, posting(amount="99999999999999"), Conflict),
        (COLLEAGUE, MISSING, posting(), NotFound),
        (staff_of(ME, is_superuser=True), ME, posting(), NotAllowed),
        (staff_of(3, CREDITS_READ, CREDITS_GRANT), ME, posting(type="goodwill"), InsufficientScopes),
        (session_of(OTHER), ME, posting(), NotAllowed),
    ],
    ids=["overdrawn", "too large", "missing", "own", "without the scope", "customer"],
)
async def test_a_preview_is_refused_as_the_posting(service, actor, user_id, change, error):
    with pytest.raises(error):
        await service.preview(actor, user_id, change)


async def test_a_retry_returns_the_first_entry_at_any_balance(service):
    taken = await service.post(COLLEAGUE, ME, adjustment("-10", reference_id="r"))
    assert await service.post(COLLEAGUE, ME, adjustment("-10", reference_id="r")) == taken

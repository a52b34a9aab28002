"""What staff and customers change holds for the first verification that begins after the answer, on every worker."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.support.asker import Asker, Reply
from tests.support.fleet import SIZE, Fleet
from tests.support.load import load
from tests.support.soak import repetitions
from tests.support.staff import Customer, Staff

pytestmark = pytest.mark.e2e

ROUNDS = repetitions(usual=4, soaking=50)
ASKERS = 2 * SIZE
PAID = {"cost": "5"}
PLENTY = 10_000_000
OWN_SCOPE, ROLE_SCOPE = "calls:make", "keys:verify"


class Change(NamedTuple):
    """What is done to a customer, and what the key's verdict is until then and from then on."""

    make: Callable[[Staff, Customer], object]
    before: str
    after: str


class Life(NamedTuple):
    """The changes to a customer, one after the other, so that each begins where the one before it ended."""

    changes: tuple[Change, ...]
    query: Mapping[str, Any] = PAID
    balance: int = PLENTY


def _revoke(staff: Staff, customer: Customer) -> None:
    staff.call("POST", f"/api-keys/{customer.key_id}/revoke")


def _set_active(*, is_active: bool) -> Callable[[Staff, Customer], None]:
    return lambda staff, customer: staff.call("PATCH", f"/users/{customer.id}", is_active=is_active)


def _limit(calls: int | None) -> Callable[[Staff, Customer], None]:
    return lambda staff, customer: staff.limit(customer, calls)


def _move_to_another_plan(staff: Staff, customer: Customer) -> None:
    staff.call("PATCH", f"/users/{customer.id}", plan=staff.make_plan(None)["name"])


def _top_up(staff: Staff, customer: Customer) -> None:
    staff.top_up(customer.id, PLENTY)


def _end_the_budget(staff: Staff, customer: Customer) -> None:
    staff.call("PATCH", f"/api-keys/{customer.key_id}", budget="0")


def _change_key(**changes: Any) -> Callable[[Staff, Customer], None]:
    return lambda staff, customer: staff.call("PATCH", f"/api-keys/{customer.key_id}", **changes)


def _name_of_role(customer: Customer) -> str:
    return f"role-{customer.id}"


def _give_a_role(staff: Staff, customer: Customer) -> None:
    staff.call("POST", "/roles", name=_name_of_role(customer), scopes=[ROLE_SCOPE])
    staff.call("PATCH", f"/users/{customer.id}", roles=[_name_of_role(customer)])
    staff.call("PATCH", f"/api-keys/{customer.key_id}", scopes=[ROLE_SCOPE])


def _empty_the_role(staff: Staff, customer: Customer) -> None:
    (role,) = [
        each for each in staff.call("GET", "/roles?size=100")["items"] if each["name"] == _name_of_role(customer)
    ]
    staff.call("PATCH", f"/roles/{role['id']}", scopes=[])


LIVES: dict[str, Life] = {
    "revocation": Life((Change(_revoke, "VALID", "DISABLED"),)),
    "switch": Life(
        (
            Change(_change_key(is_active=False), "VALID", "DISABLED"),
            Change(_change_key(is_active=True), "DISABLED", "VALID"),
        )
    ),
    "owner": Life(
        (
            Change(_set_active(is_active=False), "VALID", "FORBIDDEN"),
            Change(_set_active(is_active=True), "FORBIDDEN", "VALID"),
        )
    ),
    "allowlist": Life(
        (
            Change(_change_key(ip_allowlist=["192.0.2.0/24"]), "VALID", "FORBIDDEN"),
            Change(_change_key(ip_allowlist=["192.0.2.0/24", "198.51.100.0/24"]), "FORBIDDEN", "VALID"),
        ),
        query={**PAID, "ip": "198.51.100.7"},
    ),
    "scopes": Life(
        (
            Change(_change_key(scopes=[OWN_SCOPE]), "INSUFFICIENT_SCOPES", "VALID"),
            Change(_change_key(scopes=[]), "VALID", "INSUFFICIENT_SCOPES"),
        ),
        query={**PAID, "scopes": [OWN_SCOPE]},
    ),
    "role": Life(
        (
            Change(_give_a_role, "INSUFFICIENT_SCOPES", "VALID"),
            Change(_empty_the_role, "VALID", "INSUFFICIENT_SCOPES"),
        ),
        query={**PAID, "scopes": [ROLE_SCOPE]},
    ),
    "limit": Life(
        (
            Change(_limit(1), "VALID", "RATE_LIMITED"),
            Change(_limit(PLENTY), "RATE_LIMITED", "VALID"),
            Change(_limit(0), "VALID", "RATE_LIMITED"),
            Change(_move_to_another_plan, "RATE_LIMITED", "VALID"),
        )
    ),
    "credits": Life(
        (
            Change(_top_up, "INSUFFICIENT_CREDITS", "VALID"),
            Change(_end_the_budget, "VALID", "INSUFFICIENT_CREDITS"),
        ),
        balance=0,
    ),
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_the_first_verification_after_the_answer(fleet: Fleet, life: Life):
    for _ in range(ROUNDS):
        customer = fleet.staff.make_customer(calls=PLENTY, balance=life.balance)
        for change in life.changes:
            _check(fleet, customer, change, life.query)


def _check(fleet: Fleet, customer: Customer, change: Change, query: Mapping[str, Any]) -> None:
    def ask(asker: Asker, _number: int = 0, _count: int = 0) -> Reply:
        return asker.verify(customer.secret, **query)

    with ExitStack() as stack:
        firsts = [stack.enter_context(fleet.asker(number)) for number in range(SIZE)]
        threads = stack.enter_context(ThreadPoolExecutor(SIZE))
        running = stack.enter_context(load(ASKERS, fleet.asker, ask))
        running.wait_for_answers()
        asked = time.monotonic()
        change.make(fleet.staff, customer)
        answered = time.monotonic()
        first = list(threads.map(ask, firsts))
        running.wait_for_answers()

    assert {reply.status for reply in running.replies} == {200}
    assert [reply.code for reply in first] == [change.after] * SIZE
    assert {reply.code for reply in running.replies if reply.ended < asked} == {change.before}
    assert {reply.code for reply in running.replies if reply.started > answered} == {change.after}

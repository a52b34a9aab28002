"""Concurrent decisions about one approval, on event loops in threads of their own, as workers have them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.database.pool import close_pools
from apps.core.errors import DomainError
from apps.credits.dependencies import credit_approval_service, credit_service
from apps.credits.models import CreditApproval, CreditBalance, CreditTransaction
from apps.credits.schemas.credit_approval import ApprovalGrant, ApprovalRefusal, ApprovalWithdrawal
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.mail.models import OutgoingMail
from tests.integration.credits.approvals import LIMIT
from tests.support.callers import staff_of
from tests.support.captured_sql import captured
from tests.support.factories import make_colleague, make_user

pytestmark = pytest.mark.usefixtures("database")

THREADS = 8
SCOPES = (CREDITS_READ, CREDITS_ADJUST)


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


@pytest.fixture
def people(database) -> list[Principal]:
    """Members of staff, the one who asks first."""
    return [staff_of(make_colleague(*SCOPES).pk, *SCOPES) for _ in range(THREADS + 1)]


def run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result, or the code of the refusal."""

    async def whole() -> Any:
        try:
            return await function(*arguments)
        except DomainError as error:
            return error.code
        finally:
            await close_pools()

    return asyncio.run(whole())


def at_once(act: Callable[[int], Any]) -> list[Any]:
    barrier = Barrier(THREADS)

    def wait_and_act(number: int) -> Any:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(wait_and_act, range(THREADS)))


def ask(asker: Principal, user_id: int, **fields: Any) -> Any:
    posting = {"amount": "500", "type": "goodwill", "reference_id": "case 7", **fields}
    return run(credit_service().post, asker, user_id, CreditPosting.model_validate(posting))


def approve(decider: Principal, approval_id: int) -> Any:
    return run(credit_approval_service().approve, decider, approval_id, ApprovalGrant())


def refuse(decider: Principal, approval_id: int) -> Any:
    return run(credit_approval_service().refuse, decider, approval_id, ApprovalRefusal(reason="no"))


def withdraw(asker: Principal, approval_id: int) -> Any:
    return run(credit_approval_service().withdraw, asker, approval_id, ApprovalWithdrawal())


def codes(answers: list[Any]) -> Counter[str]:
    return Counter(answer if isinstance(answer, str) else answer.state for answer in answers)


def test_concurrent_approvals_post_once(people):
    user = make_user()
    approval_id = ask(people[0], user.pk).id
    answers = at_once(lambda number: approve(people[1 + number], approval_id))
    assert codes(answers) == {"approved": 1, "APPROVAL_DECIDED": THREADS - 1}
    assert CreditTransaction.objects.get(user=user).amount == CreditBalance.objects.get(pk=user.pk).balance == 500
    assert AuditEvent.objects.filter(action="credit_approval.approved").count() == 1


def test_concurrent_approvals_of_one_person_post_once(people):
    user = make_user()
    approval_id = ask(people[0], user.pk).id
    answers = at_once(lambda _: approve(people[1], approval_id))
    assert answers == [answers[0]] * THREADS
    assert CreditTransaction.objects.get(user=user).pk == answers[0].transaction_id


def test_concurrent_decisions_agree_on_one(people):
    user = make_user()
    approval_id = ask(people[0], user.pk).id
    answers = at_once(lambda number: (approve if number % 2 else refuse)(people[1 + number], approval_id))
    stored = CreditApproval.objects.get()
    assert codes(answers) == {stored.state: 1, "APPROVAL_DECIDED": THREADS - 1}
    assert CreditTransaction.objects.filter(user=user).count() == (stored.state == "approved")


@pytest.mark.parametrize("decide", [approve, refuse])
def test_concurrent_withdrawals_and_decisions_agree_on_one(people, decide):
    user = make_user()
    approval_id = ask(people[0], user.pk).id
    answers = at_once(lambda number: decide(people[1], approval_id) if number % 2 else withdraw(people[0], approval_id))
    stored = CreditApproval.objects.get()
    half = THREADS // 2
    assert codes(answers) == {stored.state: half, "APPROVAL_DECIDED": half}
    assert CreditTransaction.objects.filter(user=user).count() == (stored.state == "approved")
    assert AuditEvent.objects.filter(action=f"credit_approval.{stored.state}").count() == 1
    assert AuditEvent.objects.filter(action__startswith="credit_approval.").count() == 2


def test_concurrent_requests_with_one_reference_wait_once(people):
    user = make_user()
    answers = at_once(lambda number: ask(people[number], user.pk))
    assert answers == [answers[0]] * THREADS
    assert CreditApproval.objects.get().pk == answers[0].id
    assert OutgoingMail.objects.count() == THREADS  # each of the others is notified once


def test_concurrent_small_postings_count_each_other(people):
    user = make_user()
    answers = at_once(lambda number: ask(people[0], user.pk, amount="60", reference_id=f"case {number}"))
    assert CreditTransaction.objects.get(user=user).amount == CreditBalance.objects.get(pk=user.pk).balance == 60
    assert CreditApproval.objects.count() == THREADS - 1
    assert len({type(answer) for answer in answers}) == 2


def test_a_posting_and_its_approval_post_a_reference_once(people):
    user = make_user()
    approval_id = ask(people[0], user.pk).id
    at_once(lambda number: approve(people[1], approval_id) if number % 2 else ask(people[2], user.pk))
    assert CreditTransaction.objects.get(user=user).reference_id == "case 7"
    assert CreditApproval.objects.get().state == "approved"


def test_approvals_do_not_overdraw_a_balance(people):
    user = make_user()
    CreditBalance.objects.filter(pk=user.pk).update(balance=1000)
    taken = {"amount": "-400", "type": "adjustment", "description": "x"}
    ids = [ask(people[0], user.pk, **taken, reference_id=f"case {number}").id for number in range(THREADS)]
    answers = at_once(lambda number: approve(people[1], ids[number]))
    assert codes(answers) == {"approved": 2, "INSUFFICIENT_CREDITS": THREADS - 2}
    assert CreditBalance.objects.get(pk=user.pk).balance == 200


def test_concurrent_expiry_is_stored_and_told_once(people):
    approval_id = ask(people[0], make_user().pk).id
    approval = CreditApproval.objects.filter(pk=approval_id)
    approval.update(expires_at=approval.get().requested_at)
    at_once(lambda _: run(credit_approval_service().expire, 10))
    assert approval.get().state == "expired"
    assert AuditEvent.objects.filter(action="credit_approval.expired").count() == 1
    assert OutgoingMail.objects.filter(kind="credit_approval_decided").count() == 1


def test_an_approval_locks_in_order_and_asking_keeps_nobody_from_verifying(people):
    user = make_user()
    with captured() as sql:
        approval_id = ask(people[0], user.pk).id
    assert [change for change in sql.changes if change.startswith("lock")] == ["lock users"]
    with captured() as sql:
        approve(people[1], approval_id)
    locks = [change for change in sql.changes if change.startswith("lock")]
    assert locks == ["lock users", "lock credit_approvals", "lock credit_balances"]

"""`manage.py audit_ledger` compares approved requests for credits with the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditApproval
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.users.models import User
from apps.verification.dependencies import ledger_audit
from tests.support.factories import make_approval, make_staff, make_user

pytestmark = pytest.mark.usefixtures("database")


def violations() -> list[dict[str, Any]]:
    """Return what is wrong, without what is not named."""
    return [each.model_dump(mode="json", exclude_none=True) for each in call_service(ledger_audit().run).violations]


def fund(user: User) -> int:
    """Post ten credits and return the entry's id."""
    posting = CreditPosting.model_validate({"amount": "10"})
    return call_service(credit_service().post, OPERATOR, user.pk, posting).id


@contextmanager
def without_constraint() -> Iterator[None]:
    """Drop the constraint that approved requests alone have an entry, until the end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'credit_approvals_posted'")
        (definition,) = cursor.fetchone()
        cursor.execute("ALTER TABLE credit_approvals DROP CONSTRAINT credit_approvals_posted")
        yield
        cursor.execute(f"ALTER TABLE credit_approvals ADD CONSTRAINT credit_approvals_posted {definition}")


def approved(user: User, entry_id: int, **fields: Any) -> CreditApproval:
    """Create the approval of the entry that `fund` has posted."""
    decision = {"state": "approved", "decided_by": make_staff(), "transaction_id": entry_id}
    posting = {"type": "top_up", "amount": Decimal(10)}
    return make_approval(user, make_staff(), **{**posting, **decision, **fields})


def test_approved_requests_with_their_entries_are_consistent():
    user = make_user()
    approved(user, fund(user))
    make_approval(user, make_staff())
    assert violations() == []


@pytest.mark.parametrize(
    ("fault", "fields"),
    [
        ("no entry", {}),
        ("another customer", {}),
        ("another amount", {"amount": Decimal(11)}),
        ("another type", {"type": "refund"}),
    ],
)
def test_finds_an_approved_request_without_its_entry(fault: str, fields: dict[str, Any]):
    user, another = make_user(), fund(make_user())
    entry_id = {"no entry": 10**12, "another customer": another}.get(fault) or fund(user)
    approval = approved(user, entry_id, **fields)
    expected = {
        "check": "each_approved_request_is_posted_once",
        "user_id": user.pk,
        "transaction_id": entry_id,
        "expected": f"{approval.amount:f}.000000",
    }
    found = {"found": "10.000000"} if fault == "another amount" else {}
    assert violations() == [{**expected, **found}]


def test_finds_a_refused_request_with_an_entry():
    user = make_user()
    refused = approved(user, fund(user))
    with without_constraint():
        CreditApproval.objects.update(state="refused")
        (violation,) = violations()
        CreditApproval.objects.update(state="approved")
    assert (violation["check"], violation["transaction_id"], violation["expected"], violation["found"]) == (
        "each_approved_request_is_posted_once", refused.transaction_id, "0", "10.000000",
    )  # fmt: skip

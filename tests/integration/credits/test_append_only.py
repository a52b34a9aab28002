"""The database itself keeps the ledger and balances consistent."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.credits.models import CreditBalance, CreditTransaction
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")

REWRITES = [
    "UPDATE credit_transactions SET amount = amount + 1",
    "UPDATE credit_transactions SET amount = 1 WHERE false",
    "DELETE FROM credit_transactions",
    "TRUNCATE credit_transactions",
]


@pytest.fixture
def entry() -> CreditTransaction:
    fields = {"type": "top_up", "amount": 5, "balance_after": 5, "reference_id": "invoice 7"}
    return CreditTransaction.objects.create(user=make_user(), **fields)


@pytest.mark.parametrize("statement", REWRITES)
def test_the_ledger_is_not_rewritten(entry, statement):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    assert CreditTransaction.objects.get().amount == 5


@pytest.mark.parametrize(
    "wrong", [{"amount": 0}, {"balance_after": Decimal("-0.000001")}, {"reference_id": "invoice 7"}]
)
def test_the_database_refuses_invalid_entries(entry, wrong):
    fields = {"type": "top_up", "amount": 1, "balance_after": 6, **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditTransaction.objects.create(user_id=entry.user_id, **fields)
    assert CreditTransaction.objects.count() == 1


def test_a_balance_is_not_negative():
    user = make_user()
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditBalance.objects.filter(pk=user.pk).update(balance=-1)
    assert CreditBalance.objects.get(pk=user.pk).balance == 0

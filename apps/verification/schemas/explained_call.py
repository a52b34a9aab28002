"""What one call asked for, which checks it passed, what it was charged, and what remained."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount
from apps.usage.schemas.call import Call

MadeCheckName = Literal[
    "found", "enabled", "expiry", "owner", "address", "scopes", "operation", "rate_limits", "budget", "balance"
]


class MadeCheck(ResponseSchema):
    """One check, in the order in which verification made them.

    `passed` is null for the checks after the one that refused the call: they were not made.
    """

    name: MadeCheckName
    passed: bool | None
    sentence: str


class Charge(ResponseSchema):
    """What the call was charged, and the ledger entry that charged it.

    An entry charges all calls of the account that were decided together: `entry_amount` is theirs, and `balance_after`
    is the balance after them. Both are null for staff who may not read balances.
    """

    amount: Amount
    credit_transaction_id: int
    entry_amount: Amount | None
    balance_after: Amount | None


class ExplainedCall(Call):
    """A call with its verdict in a sentence, each check, and the charge, null if nothing was charged.

    `not_kept` says what is not known of it any more, or never was stored.
    """

    sentence: str
    checks: list[MadeCheck]
    charge: Charge | None
    not_kept: list[str]


class ExplainedRequest(ResponseSchema):
    """The calls with one request id, the newest first: one for each key, because callers choose ids themselves."""

    request_id: str
    calls: list[ExplainedCall]

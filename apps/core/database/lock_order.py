"""The order in which transactions lock rows: by table as listed here, and within a table by primary key.

Transactions that lock in the same order may wait for each other but never deadlock. A transaction that locks a table
listed before one that it has locked already raises `LockOrderBroken`: lock that table earlier, or move it in this list.

Verification, which uses its own SQL, locks credit_balances for many customers, in order of their ids. That lock covers
the customers' rows in api_key_counters too, which it reads and writes without locking them: so every other transaction
that locks them has to lock the balance first.
"""

LOCK_ORDER = (
    # The account precedes everything that belongs to it.
    "users",
    "api_keys",
    "sessions",
    "account_notes",
    "plans",
    "invitations",
    "auth_group",
    "pending_registrations",
    "identities",
    "totp_devices",
    "passkeys",
    "signing_keys",
    "credit_approvals",
    "credit_balances",
    "api_key_counters",
    "outgoing_mails",
)
# The lock of a row in the first table covers rows of the second.
COVERED = {"api_key_counters": "credit_balances"}
_RANKS = {table: rank for rank, table in enumerate(LOCK_ORDER)}


class LockOrderBroken(RuntimeError):
    """A transaction locks rows in an order that may deadlock with other transactions. This is a bug."""


def rank_of(table: str) -> int:
    """Return the table's position in the lock order. Raises LockOrderBroken when the table is not listed."""
    try:
        return _RANKS[table]
    except KeyError:
        raise LockOrderBroken(f"{table} is not listed in LOCK_ORDER of {__name__}.") from None

"""The one order in which transactions lock rows: by table as listed here, and within a table by primary key.

Two transactions that lock in the same order wait for each other and never deadlock. A transaction that locks a table
which stands before one it holds already is refused (`LockOrderBroken`): move the lock up, or the table in this list.

Verification, which speaks SQL of its own, locks credit_balances and then api_key_counters, for many customers in order
of their ids; so does whatever posts credits.
"""

LOCK_ORDER = (
    # The account comes before everything that belongs to it.
    "users",
    "api_keys",
    "sessions",
    "auth_group",
    "plans",
    "invitations",
    "pending_registrations",
    "identities",
    "totp_devices",
    "passkeys",
    "signing_keys",
    "outgoing_mails",
    "credit_balances",
    "api_key_counters",
)
_RANKS = {table: rank for rank, table in enumerate(LOCK_ORDER)}


class LockOrderBroken(RuntimeError):
    """A bug: a transaction locks rows in an order that may deadlock with others."""


def rank_of(table: str) -> int:
    """Return the place of the table in the order; raises LockOrderBroken for a table that has none."""
    try:
        return _RANKS[table]
    except KeyError:
        raise LockOrderBroken(f"{table} has no place in LOCK_ORDER of {__name__}.") from None

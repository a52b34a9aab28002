"""What the customer page shows. None stands for what the member of staff may not read."""

from dataclasses import dataclass

from apps.api_keys.schemas.key_overview import CustomerKeysOut
from apps.audit.schemas.trail_event import TrailEventOut
from apps.authentication.schemas.lockout import LockoutOut
from apps.authentication.schemas.session import SessionOut
from apps.core.schemas.fields import Amount
from apps.core.values.amounts import amount_text
from apps.credits.schemas.credit_transaction import CreditTransactionOut
from apps.identities.schemas.identity import IdentityOut
from apps.second_factors.schemas.second_factor import FactorsOverview
from apps.usage.schemas.usage_event import ChargedCalls, RefusedCallsOfKey
from apps.users.schemas.account_overview import AccountOverview


@dataclass(frozen=True)
class CustomerHeader:
    """The head of every tab.

    `refusals` are the last of each key in the last day, `ended_by` the event that suspended or deleted the account.
    """

    account: AccountOverview
    balance: Amount | None = None
    keys: CustomerKeysOut | None = None
    refusals: list[RefusedCallsOfKey] | None = None
    lockouts: list[LockoutOut] | None = None
    ended_by: TrailEventOut | None = None

    @property
    def named_refusals(self) -> list[tuple[RefusedCallsOfKey, str]]:
        """The last refusal of each key that has one, the newest first, each with the name of the key."""
        return [(refused, self.name_of(refused.api_key_id)) for refused in self.refusals or []]

    @property
    def balance_text(self) -> str:
        """The balance for people."""
        return "" if self.balance is None else amount_text(self.balance)

    def name_of(self, key_id: int) -> str:
        """Return the name of one of the newest keys, or the id of another."""
        names = {key.id: key.name for key in self.keys.newest} if self.keys else {}
        return names.get(key_id, f"key {key_id}")


@dataclass(frozen=True)
class LedgerLine:
    """A ledger entry with the calls that it charges, each with the name of the key."""

    entry: CreditTransactionOut
    calls: list[tuple[ChargedCalls, str]]

    @property
    def amount_text(self) -> str:
        """The amount for people."""
        return amount_text(self.entry.amount)

    @property
    def balance_after_text(self) -> str:
        """The balance after the entry, for people."""
        return amount_text(self.entry.balance_after)


@dataclass(frozen=True)
class CustomerSecurity:
    """The ways to sign in to the account. `sessions` is None for those of staff that the reader may not see."""

    sessions: list[SessionOut] | None
    factors: FactorsOverview
    identities: list[IdentityOut]

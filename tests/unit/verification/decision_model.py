"""A model of rate limits and credits, as simple as possible: one call at a time, and a list of all allowed calls.

It shares no code with the decision that it is compared with.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

RateLimitFields = tuple[str, int, int]  # name, limit, seconds
RETRY_PERIOD_MS = 60_000


class ModelKey(NamedTuple):
    """A key; its own rate limits are added to its customer's, and replace those of the same name."""

    customer: int
    rate_limits: tuple[RateLimitFields, ...]
    budget: Decimal | None
    is_active: bool


class Customer(NamedTuple):
    """A customer with their own plan of rate limits and prices, and initial credits."""

    rate_limits: tuple[RateLimitFields, ...]
    credits: Decimal
    prices: dict[str, Decimal]


class Call(NamedTuple):
    """A call of the key with this number, which may not exist. `request_id` is an idempotency key.

    The call has a cost, or else an operation, of which it uses some units.
    """

    key: int
    cost: Decimal
    operation: str | None
    units: int
    weight: int
    request_id: str | None


class Outcome(NamedTuple):
    """The verdict on a call."""

    code: str
    balance: Decimal | None = None
    remaining: dict[str, int] | None = None
    retry_after_ms: int | None = None


class Allowed(NamedTuple):
    """An allowed call, and its time."""

    key: int
    made_at_ms: int
    cost: Decimal
    weight: int


@dataclass
class DecisionModel:
    """Decides each call, and keeps the allowed calls and the counts of refused ones."""

    customers: list[Customer]
    keys: list[ModelKey]
    allowed: list[Allowed] = field(default_factory=list)
    denials: Counter[tuple[int, str]] = field(default_factory=Counter)
    first: dict[tuple[int, str], tuple[Call, int, Outcome]] = field(default_factory=dict)

    def verify(self, call: Call, now_ms: int) -> Outcome:
        """Decide one call; a retry gets the first verdict, and neither it nor a reused request id has an effect."""
        if call.key >= len(self.keys):
            return Outcome("NOT_FOUND")
        if call.request_id is None:
            return self._serve(call, now_ms)
        name = (call.key, call.request_id)
        if name not in self.first:
            self.first[name] = (call, now_ms, self._serve(call, now_ms))
        first, decided_at_ms, outcome = self.first[name]
        is_retry = call == first and now_ms - decided_at_ms <= RETRY_PERIOD_MS
        return outcome if is_retry else Outcome("REQUEST_ID_REUSED")

    def balance(self, customer: int) -> Decimal:
        """Return the initial credits minus the costs of all allowed calls."""
        paid = [past.cost for past in self.allowed if self.keys[past.key].customer == customer]
        return self.customers[customer].credits - sum(paid)

    def spent(self, key: int) -> Decimal:
        """Return the costs of the key's allowed calls."""
        return sum((past.cost for past in self.allowed if past.key == key), Decimal(0))

    def _serve(self, call: Call, now_ms: int) -> Outcome:
        code = self._code(call, now_ms)
        if code == "VALID":
            self.allowed.append(Allowed(call.key, now_ms, self._cost(call), call.weight))
        else:
            self.denials[call.key, code] += 1
        balance = self.balance(self.keys[call.key].customer)
        if code in {"DISABLED", "UNKNOWN_OPERATION"}:
            return Outcome(code, balance, {})
        wait_ms = self._wait_ms(call, now_ms) if code == "RATE_LIMITED" else None
        return Outcome(code, balance, self._remaining(call.key, now_ms), wait_ms)

    def _code(self, call: Call, now_ms: int) -> str:
        key = self.keys[call.key]
        if not key.is_active:
            return "DISABLED"
        if call.operation and call.operation not in self.customers[key.customer].prices:
            return "UNKNOWN_OPERATION"
        if not self._has_room(call, now_ms):
            return "RATE_LIMITED"
        cost = self._cost(call)
        is_over_budget = key.budget is not None and self.spent(call.key) + cost > key.budget
        if cost > 0 and (is_over_budget or cost > self.balance(key.customer)):
            return "INSUFFICIENT_CREDITS"
        return "VALID"

    def _cost(self, call: Call) -> Decimal:
        if not call.operation:
            return call.cost
        return sum([self.customers[self.keys[call.key].customer].prices[call.operation]] * call.units, Decimal(0))

    def _rate_limits(self, key: int) -> list[RateLimitFields]:
        by_name = {limit[0]: limit for limit in self.customers[self.keys[key].customer].rate_limits}
        by_name.update({limit[0]: limit for limit in self.keys[key].rate_limits})
        return list(by_name.values())

    def _has_room(self, call: Call, now_ms: int) -> bool:
        return all(
            self._used(call.key, seconds, now_ms) + call.weight <= limit
            for _, limit, seconds in self._rate_limits(call.key)
        )

    def _remaining(self, key: int, now_ms: int) -> dict[str, int]:
        return {
            name: max(0, limit - self._used(key, seconds, now_ms)) for name, limit, seconds in self._rate_limits(key)
        }

    def _used(self, key: int, seconds: int, now_ms: int) -> int:
        """Return the weights of calls less than a period ago."""
        return sum(weight for counts_from_ms, weight in self._counted(key) if now_ms - counts_from_ms < seconds * 1000)

    def _counted(self, key: int) -> Iterator[tuple[int, int]]:
        """Yield each allowed call as the moment it counts from and its weight.

        A key of these scenarios makes too few calls for any to be counted together.
        """
        yield from ((past.made_at_ms, past.weight) for past in self.allowed if past.key == key)

    def _wait_ms(self, call: Call, now_ms: int) -> int | None:
        """Return how long to wait, by trying each moment at which a call stops counting."""
        ends = {
            counts_from_ms + seconds * 1000
            for _, _, seconds in self._rate_limits(call.key)
            for counts_from_ms, _ in self._counted(call.key)
        }
        for end in sorted(end for end in ends if end > now_ms):
            if self._has_room(call, end):
                return end - now_ms
        return None

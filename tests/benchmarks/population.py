"""Who is in a benchmark's database: the same customers and keys at every run."""

from dataclasses import dataclass
from random import Random

from apps.api_keys.services import key_format
from tests.benchmarks.plan import Size

PASSWORD = "correct horse battery staple"
SCOPES = ["orders:read", "orders:write", "account:read"]
PLAN = "benchmark"
PLAN_WITH_ONE_LIMIT = "benchmark, one limit"
CUSTOMERS_A_CUSTOMER_WITH_ONE_LIMIT = 50  # one more in so many has this plan
# Kept and counted at each call, and never reached: what is measured is the answer, not the refusal.
LIMITS = (("minute", 10**9, 60), ("day", 10**10, 86_400))
BALANCE = 1_000_000_000
COST = "0.001"  # of each call
FIRST_ID = 1_000  # above what a first start makes


@dataclass(frozen=True, slots=True)
class Key:
    """A key and whose it is."""

    id: int
    user_id: int
    secret: str


@dataclass(frozen=True, slots=True)
class Population:
    """The customers, their keys in no particular order, and the key of the service that asks about them."""

    customers: range
    keys: list[Key]
    customers_with_one_limit: range
    keys_with_one_limit: list[Key]
    service_key: Key

    @property
    def users(self) -> list[int]:
        """The customers with two limits, and the owner of the service's key."""
        return [self.service_key.user_id, *self.customers]

    @property
    def keys_of_one_customer(self) -> list[Key]:
        """The keys of one customer, who is no other than the rest."""
        return [key for key in self.keys if key.user_id == self.customers[0]]

    @property
    def keys_of_each(self) -> int:
        """How many keys a customer has."""
        return len(self.keys) // len(self.customers)

    @classmethod
    def of(cls, size: Size) -> "Population":
        """Return the population of this size."""
        random = Random(size.keys)
        customers = range(FIRST_ID + 1, FIRST_ID + 1 + size.customers)
        few = range(customers.stop, customers.stop + -(-size.customers // CUSTOMERS_A_CUSTOMER_WITH_ONE_LIMIT))
        keys = _keys(random, FIRST_ID + 1, customers, size.keys)
        of_few = _keys(random, FIRST_ID + 1 + size.keys, few, len(few) * size.keys // size.customers)
        return cls(customers, keys, few, of_few, Key(FIRST_ID, FIRST_ID, _secret(random)))


def _keys(random: Random, first_id: int, customers: range, number: int) -> list[Key]:
    keys = [Key(first_id + place, customers[place % len(customers)], _secret(random)) for place in range(number)]
    random.shuffle(keys)
    return keys


def email_of(user_id: int) -> str:
    """Return the address the user signs in with."""
    return f"customer{user_id}@example.com"


def _secret(random: Random) -> str:
    # As key_format.generate_key, which draws from the system's randomness and takes seconds for so many.
    body = "sk_live_" + "".join(random.choices(key_format.ALPHABET, k=key_format.RANDOM_LENGTH))
    return body + key_format.checksum(body)

"""What is measured, and for how long."""

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Cells that are chosen together, in addition to the bare constants and the verification they are set against."""

    VERIFY = "verify"  # one connection, one limit, one customer
    API = "api"  # get user, list keys, constant through Ninja
    LOGINS = "logins"
    PEER = "peer"  # the other service
    SIZES = "sizes"  # more and fewer keys, usage rows, and right after a checkpoint
    WORKERS = "workers"  # several workers, and the model
    MEMORY = "memory"  # over five minutes
    MANY_KEYS = "many-keys"  # a worker's memory after a million different keys


@dataclass(frozen=True, slots=True)
class Size:
    """How full a database is."""

    customers: int
    keys: int
    usage_rows: int = 0

    @property
    def name(self) -> str:
        """The size as the table shows it."""
        return f"{self.keys:,} keys" + (f", {self.usage_rows:,} usage rows" if self.usage_rows else "")

    @property
    def database(self) -> str:
        """A name for the database."""
        return f"keys_{self.keys}_usage_{self.usage_rows}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Every cell is measured once a round, so that noise on the machine hits all alike.

    On a database of size `main` everything is measured, and beside the other service; on the others verification alone.
    """

    main: Size
    fewer_keys: Size
    more_keys: Size
    more_usage: Size
    connections: tuple[int, int]
    worker_counts: tuple[int, ...]
    logins_at_once: int
    groups: frozenset[Group]
    rounds: int
    warm_up_seconds: float
    measured_seconds: float
    memory_seconds: float
    many_keys_seconds: float
    durable: bool = True

    @property
    def crowd(self) -> int:
        """The larger number of connections."""
        return self.connections[1]


FULL = Plan(
    main=Size(customers=10_000, keys=100_000),
    fewer_keys=Size(customers=1_000, keys=10_000),
    more_keys=Size(customers=100_000, keys=1_000_000),
    more_usage=Size(customers=10_000, keys=100_000, usage_rows=10_000_000),
    connections=(1, 64),
    worker_counts=(2, 4),
    logins_at_once=20,
    groups=frozenset(Group),
    rounds=5,
    warm_up_seconds=1.0,
    measured_seconds=2.0,
    memory_seconds=300.0,
    many_keys_seconds=180.0,
)
QUICK = Plan(
    main=Size(customers=100, keys=1_000),
    fewer_keys=Size(customers=10, keys=100),
    more_keys=Size(customers=200, keys=2_000),
    more_usage=Size(customers=100, keys=1_000, usage_rows=10_000),
    connections=(1, 8),
    worker_counts=(2,),
    logins_at_once=2,
    groups=frozenset(Group) - {Group.PEER},
    rounds=1,
    warm_up_seconds=0.02,
    measured_seconds=0.3,
    memory_seconds=0.5,
    many_keys_seconds=5.0,
    durable=False,
)

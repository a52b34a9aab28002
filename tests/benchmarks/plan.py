"""What is measured, and for how long."""

from dataclasses import dataclass


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
    logins_at_once: int
    with_peer: bool
    rounds: int
    warm_up_seconds: float
    measured_seconds: float
    memory_seconds: float
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
    logins_at_once=20,
    with_peer=True,
    rounds=5,
    warm_up_seconds=1.0,
    measured_seconds=2.0,
    memory_seconds=300.0,
)
QUICK = Plan(
    main=Size(customers=100, keys=1_000),
    fewer_keys=Size(customers=10, keys=100),
    more_keys=Size(customers=200, keys=2_000),
    more_usage=Size(customers=100, keys=1_000, usage_rows=10_000),
    connections=(1, 8),
    logins_at_once=2,
    with_peer=False,
    rounds=1,
    warm_up_seconds=0.02,
    measured_seconds=0.05,
    memory_seconds=0.5,
    durable=False,
)

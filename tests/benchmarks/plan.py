"""What is measured, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """How full a database is."""

    customers: int
    keys: int

    @property
    def name(self) -> str:
        """The size as the table shows it."""
        return f"{self.keys:,}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Every cell is measured once a round, so that noise on the machine hits all alike."""

    sizes: tuple[Size, ...]
    connections: tuple[int, ...]
    rounds: int
    warm_up_seconds: float
    measured_seconds: float


FULL = Plan(
    sizes=(Size(customers=100, keys=1_000), Size(customers=10_000, keys=100_000)),
    connections=(1, 64),
    rounds=4,
    warm_up_seconds=1.0,
    measured_seconds=1.25,
)
QUICK = Plan(
    sizes=(Size(customers=100, keys=1_000),),
    connections=(1, 8),
    rounds=1,
    warm_up_seconds=0.1,
    measured_seconds=0.2,
)

"""How often a test repeats itself: often enough to find a fault in `make test`, far longer in `make soak`."""

import os

SOAKING = os.environ.get("SOAK") == "1"


def repetitions(*, usual: int, soaking: int) -> int:
    """Return how often to repeat, for this run."""
    return soaking if SOAKING else usual

"""The number of repetitions of a test: enough to find an error in `make test`, and many more in `make soak`."""

import os

SOAKING = os.environ.get("SOAK") == "1"


def repetitions(*, usual: int, soaking: int) -> int:
    """Return the number of repetitions in this run."""
    return soaking if SOAKING else usual

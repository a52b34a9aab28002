"""Makes SIGTERM unwind the stack, so that context managers stop what they started."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE_BASE = 128


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(EXIT_CODE_BASE + number)


@contextmanager
def unwind_on_termination() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit inside the block; Ctrl-C ends quietly with 130."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_CODE_BASE + signal.SIGINT)

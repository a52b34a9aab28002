"""Makes SIGTERM unwind the stack, so that context managers clean up."""

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
    """Raise SystemExit for SIGTERM and SIGHUP inside the block; Ctrl-C exits with 130, without a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_CODE_BASE + signal.SIGINT)

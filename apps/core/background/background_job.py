"""Something that is done beside the requests, again and again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """Work that every worker of every server looks for, for as long as it serves.

    `run` does a bounded part of what is due, and returns whether more may be due at once; if not, the next look is
    `interval_seconds` later. Many run at the same time and any may be killed: `run` claims its work in the database,
    in one statement that passes over what others have claimed (SKIP LOCKED), and a claim lapses.
    """

    name: str
    run: Callable[[], Awaitable[bool]]
    interval_seconds: float

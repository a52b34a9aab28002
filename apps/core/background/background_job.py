"""Recurring work that runs beside the requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """A job that every worker of every server runs repeatedly while it serves.

    `run` does a bounded part of the due work, and returns whether more may be due immediately; otherwise it is called
    again after `interval_seconds`. Many workers run the job at the same time, and any of them may be killed: `run`
    claims its work in the database, in one statement that skips claimed rows (SKIP LOCKED), and claims expire.
    """

    name: str
    run: Callable[[], Awaitable[bool]]
    interval_seconds: float

"""Hashes passwords off the event loop and behind it, at most as many at once as there are processors."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import BoundedSemaphore

from django.contrib.auth.hashers import check_password, is_password_usable, make_password

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.errors import Unavailable

PASSWORD_LENGTH_MAXIMUM = 256
HASHINGS_MAXIMUM = 200  # under way and waiting: some seconds of work for one processor
NICENESS = 19  # the most there is
# The hash of a password that nobody knows, with the hasher's own parameters, so that it takes as long as any other.
DECOY = (
    "argon2$argon2id$v=19$m=19456,t=2,p=1$THAwTHRPQlRrR1FTczcyYXl0cDNpbA$9DZm/uOJVG6GF5jKXOwlYV4vcYFpx2z+wbR7qGoH+WA"
)

_places = BoundedSemaphore(HASHINGS_MAXIMUM)


async def hash_password(password: str) -> str:
    """Return the password's Argon2id hash with its parameters and salt; raises Unavailable."""
    return await run_in_hashing_thread(make_password, password)


async def password_matches(password: str, encoded: str | None) -> bool:
    """Return whether the password is the one hashed in `encoded`; does the same work when there is none to match.

    Raises Unavailable.
    """
    usable = encoded if encoded and is_password_usable(encoded) else None
    return await run_in_hashing_thread(check_password, password, usable or DECOY) and usable is not None


async def run_in_hashing_thread[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run what takes a processor for a while on one of the threads that hash, and return what it returns.

    Raises Unavailable when too many wait already: whoever came later would only wait longer than clients do.
    """
    refuse_in_transaction("a thread that hashes")
    if not _places.acquire(blocking=False):
        raise Unavailable
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads(), partial(function, *args, **kwargs))
    finally:
        _places.release()


@cache
def _threads() -> ThreadPoolExecutor:
    # Argon2 releases the interpreter's lock; more threads than processors would only take more memory.
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="password", initializer=_step_back)


def _step_back() -> None:
    # A sign-in takes tens of milliseconds whatever is done. The event loop, which answers everybody else in a few, goes
    # first: on Linux each thread has a priority of its own.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)

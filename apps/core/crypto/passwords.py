"""Hashes passwords on low-priority threads, off the event loop, in a queue for each purpose."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, is_password_usable, make_password

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.errors import Unavailable

PASSWORD_LENGTH_MAXIMUM = 256
HASHINGS_MAXIMUM = 200  # running and waiting for one purpose: a few seconds of work for one processor
NICENESS = 19  # the lowest priority
# The hash of a random password, with the hasher's own parameters, so that verifying it takes as long as any other.
DECOY = (
    "argon2$argon2id$v=19$m=19456,t=2,p=1$THAwTHRPQlRrR1FTczcyYXl0cDNpbA$9DZm/uOJVG6GF5jKXOwlYV4vcYFpx2z+wbR7qGoH+WA"
)


class HashingQueue:
    """Hashings for one purpose, on a thread per processor.

    The operating system divides the processors among the threads of all queues, so a flood of sign-ups, each of which
    hashes a password, makes a sign-in wait for little more than its own hash.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._slots = BoundedSemaphore(HASHINGS_MAXIMUM)

    async def run[**P, R](self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a CPU-bound function on one of the threads, and return its result.

        Raises Unavailable when HASHINGS_MAXIMUM calls run or wait: later ones would wait longer than clients do.
        """
        refuse_in_transaction("a hashing thread")
        if not self._slots.acquire(blocking=False):
            raise Unavailable
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args, **kwargs))
        finally:
            self._slots.release()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Argon2 releases the interpreter's lock. More threads than processors would only use more memory.
        name = f"password {self._purpose}"
        return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix=name, initializer=_lower_priority)


SIGN_IN, SIGN_UP, REPLACEMENT = HashingQueue("sign-in"), HashingQueue("sign-up"), HashingQueue("replacement")
_others = HashingQueue("others")


async def hash_password(password: str, queue: HashingQueue = REPLACEMENT) -> str:
    """Return the password's Argon2id hash, with its parameters and salt. Raises Unavailable."""
    return await queue.run(make_password, password)


async def password_matches(password: str, encoded: str | None, queue: HashingQueue = SIGN_IN) -> bool:
    """Return whether the password matches the hash in `encoded`. Takes the same time when there is no hash.

    Raises Unavailable.
    """
    usable = encoded if encoded and is_password_usable(encoded) else None
    return await queue.run(check_password, password, usable or DECOY) and usable is not None


async def run_in_hashing_thread[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a CPU-bound function that hashes no password, and return its result. Raises Unavailable."""
    return await _others.run(function, *args, **kwargs)


def _lower_priority() -> None:
    # A sign-in takes tens of milliseconds in any case. The event loop, which serves other requests in a few, has
    # precedence: on Linux each thread has its own priority.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters for servers: 19 MiB, 2 passes, 1 lane (RFC 9106; OWASP Password Storage).

    Django's defaults use 100 MiB and 8 lanes per hash, so a few concurrent sign-ins could exhaust a machine's memory.
    OWASP rates these parameters as equally resistant, at a fraction of the memory.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

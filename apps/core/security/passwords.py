"""Hashes passwords off the event loop, at most as many at once as there are processors."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from django.contrib.auth.hashers import check_password, make_password

PASSWORD_LENGTH_MAXIMUM = 256


async def hash_password(password: str) -> str:
    """Return the password's Argon2id hash with its parameters and salt."""
    return await run_beside_hashing(make_password, password)


async def password_matches(password: str, encoded: str | None) -> bool:
    """Return whether the password is the one hashed in `encoded`; takes as long when there is no hash at all."""
    known = await run_beside_hashing(check_password, password, encoded or _decoy())
    return known and bool(encoded)


async def run_beside_hashing[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run what takes a processor for a while on one of the threads that hash, and return what it returns."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), partial(function, *args, **kwargs))


@cache
def _threads() -> ThreadPoolExecutor:
    # Argon2 releases the interpreter's lock; more threads than processors would only take more memory.
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="password")


@cache
def _decoy() -> str:
    return make_password("decoy")

"""Hashing passwords."""

import asyncio
import os
import sys
import threading

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password

from apps.core.crypto.passwords import (
    DECOY,
    HASHINGS_MAXIMUM,
    NICENESS,
    REPLACEMENT,
    SIGN_IN,
    SIGN_UP,
    Argon2idHasher,
    HashingQueue,
    hash_password,
    password_matches,
    run_in_hashing_thread,
)
from apps.core.errors import Unavailable

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("production_hashing")]

SECRET = "correct horse battery staple"


async def test_hash_uses_documented_argon2id_parameters():
    assert (await hash_password(SECRET)).startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


async def test_each_hash_is_salted():
    first, second = await asyncio.gather(hash_password(SECRET), hash_password(SECRET))
    assert first != second
    assert SECRET not in first


@pytest.mark.parametrize("password", [SECRET, "ünïcödé 密码 🔑", " spaces ", "x" * 256])
async def test_only_the_right_password_matches(password):
    encoded = await hash_password(password)
    assert await password_matches(password, encoded) is True
    for wrong in (password + "x", password[:-1], password.upper(), ""):
        assert await password_matches(wrong, encoded) is False


@pytest.mark.parametrize("encoded", [None, "", "!", "!unusable", "plain text", "unknown$1$2$3"])
async def test_nothing_matches_an_invalid_hash(encoded):
    assert await password_matches(SECRET, encoded) is False
    assert await password_matches("", encoded) is False
    assert await password_matches("decoy", encoded) is False


async def test_hashing_does_not_block_the_event_loop():
    ticks, hashing = 0, asyncio.ensure_future(hash_password(SECRET))
    while not hashing.done():
        ticks += 1
        await asyncio.sleep(0)
    assert ticks > 10
    assert (await run_in_hashing_thread(threading.current_thread)).name.startswith("password")


@pytest.mark.skipif(sys.platform != "linux", reason="threads have their own priority only on Linux")
async def test_hashing_threads_have_lowest_priority():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert (await run_in_hashing_thread(niceness), NICENESS) == (19, 19)
    assert niceness() < NICENESS


async def test_exception_of_hashing_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        await run_in_hashing_thread(lambda: 1 // 0)


@pytest.mark.parametrize("full", [SIGN_IN, SIGN_UP, REPLACEMENT])
async def test_full_queue_rejects_its_own_purpose_at_once_and_delays_no_other(full: HashingQueue):
    gate = threading.Event()
    hashings = [asyncio.ensure_future(full.run(gate.wait)) for _ in range(HASHINGS_MAXIMUM)]
    await asyncio.sleep(0)
    try:
        for queue in (SIGN_IN, SIGN_UP, REPLACEMENT):
            hashing = asyncio.wait_for(password_matches(SECRET, None, queue), timeout=5)
            if queue is full:
                with pytest.raises(Unavailable):
                    await hashing
            else:
                assert await hashing is False
    finally:
        gate.set()
    assert all(await asyncio.gather(*hashings))
    assert await password_matches(SECRET, None, full) is False


async def test_failed_and_cancelled_hashings_release_their_slots():
    for _ in range(HASHINGS_MAXIMUM + 1):
        with pytest.raises(ZeroDivisionError):
            await run_in_hashing_thread(lambda: 1 // 0)
        cancelled = asyncio.ensure_future(run_in_hashing_thread(int))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])


def test_decoy_hash_has_current_parameters():
    hasher = Argon2idHasher()
    assert not hasher.must_update(DECOY)
    own = hasher.decode(make_password(SECRET))
    decoy = hasher.decode(DECOY)
    assert [len(decoy[part]) for part in ("salt", "hash")] == [len(own[part]) for part in ("salt", "hash")]


def test_hash_with_other_parameters_must_update():
    weaker = type("Weaker", (Argon2PasswordHasher,), {"time_cost": 1, "memory_cost": 8 * 1024, "parallelism": 1})
    assert Argon2idHasher().must_update(weaker().encode(SECRET, "somesaltsomesalt"))
    assert not Argon2idHasher().must_update(make_password(SECRET))

"""Hashing passwords."""

import asyncio
import os
import sys
import threading

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password

from apps.core.crypto.argon2id_hasher import Argon2idHasher
from apps.core.crypto.passwords import (
    DECOY,
    HASHINGS_MAXIMUM,
    NICENESS,
    hash_password,
    password_matches,
    run_in_hashing_thread,
)
from apps.core.errors import Unavailable

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("production_hashing")]

SECRET = "correct horse battery staple"


async def test_hashes_by_argon2id_with_the_documented_parameters():
    assert (await hash_password(SECRET)).startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


async def test_salts_each_hash():
    first, second = await asyncio.gather(hash_password(SECRET), hash_password(SECRET))
    assert first != second
    assert SECRET not in first


@pytest.mark.parametrize("password", [SECRET, "ünïcödé 密码 🔑", " spaces ", "x" * 256])
async def test_knows_the_right_password(password):
    encoded = await hash_password(password)
    assert await password_matches(password, encoded) is True
    for wrong in (password + "x", password[:-1], password.upper(), ""):
        assert await password_matches(wrong, encoded) is False


@pytest.mark.parametrize("encoded", [None, "", "!", "!unusable", "plain text", "unknown$1$2$3"])
async def test_nothing_matches_what_is_not_a_hash(encoded):
    assert await password_matches(SECRET, encoded) is False
    assert await password_matches("", encoded) is False
    assert await password_matches("decoy", encoded) is False


async def test_hashes_off_the_event_loop_and_lets_it_run():
    ticks, hashing = 0, asyncio.ensure_future(hash_password(SECRET))
    while not hashing.done():
        ticks += 1
        await asyncio.sleep(0)
    assert ticks > 10
    assert (await run_in_hashing_thread(threading.current_thread)).name.startswith("password")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has its process's priority")
async def test_lets_whatever_else_the_process_does_go_first():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert (await run_in_hashing_thread(niceness), NICENESS) == (19, 19)
    assert niceness() < NICENESS


async def test_passes_on_what_was_raised():
    with pytest.raises(ZeroDivisionError):
        await run_in_hashing_thread(lambda: 1 // 0)


async def test_refuses_at_once_when_too_many_wait():
    gate = threading.Event()
    waiting = [asyncio.ensure_future(run_in_hashing_thread(gate.wait)) for _ in range(HASHINGS_MAXIMUM)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(password_matches(SECRET, None), timeout=5)
    finally:
        gate.set()
    assert all(await asyncio.gather(*waiting))
    assert await password_matches(SECRET, None) is False


async def test_whoever_leaves_or_fails_makes_room():
    for _ in range(HASHINGS_MAXIMUM + 1):
        with pytest.raises(ZeroDivisionError):
            await run_in_hashing_thread(lambda: 1 // 0)
        leaving = asyncio.ensure_future(run_in_hashing_thread(int))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])


def test_the_decoy_takes_as_long_as_any_hash_and_has_a_password_nobody_knows():
    hasher = Argon2idHasher()
    assert not hasher.must_update(DECOY)
    own = hasher.decode(make_password(SECRET))
    decoy = hasher.decode(DECOY)
    assert [len(decoy[part]) for part in ("salt", "hash")] == [len(own[part]) for part in ("salt", "hash")]


def test_a_hash_with_other_parameters_is_made_anew():
    weaker = type("Weaker", (Argon2PasswordHasher,), {"time_cost": 1, "memory_cost": 8 * 1024, "parallelism": 1})
    assert Argon2idHasher().must_update(weaker().encode(SECRET, "somesaltsomesalt"))
    assert not Argon2idHasher().must_update(make_password(SECRET))

"""The secret key that a checkout makes for itself."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.environment import development_secret_key

pytestmark = pytest.mark.unit


def test_a_checkout_makes_its_own_secret_key_once(tmp_path):
    directory = tmp_path / "state"
    key = development_secret_key(directory)
    assert len(key) > 50
    assert development_secret_key(directory) == key
    assert stat.S_IMODE((directory / "secret_key").stat().st_mode) == 0o600
    assert development_secret_key(tmp_path / "other") != key


def test_of_several_first_starts_one_makes_the_key(tmp_path):
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(development_secret_key, [tmp_path] * 64))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]

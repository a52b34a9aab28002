"""The secret key that a checkout generates for itself."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.environment import development_secret_key

pytestmark = pytest.mark.unit


def test_secret_key_is_generated_once_per_checkout(tmp_path):
    directory = tmp_path / "state"
    key = development_secret_key(directory)
    assert len(key) > 50
    assert development_secret_key(directory) == key
    assert stat.S_IMODE((directory / "secret_key").stat().st_mode) == 0o600
    assert development_secret_key(tmp_path / "other") != key


def test_concurrent_first_starts_generate_one_key(tmp_path):
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(development_secret_key, [tmp_path] * 64))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]

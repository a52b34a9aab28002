"""Searching the file of breached passwords."""

import os
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.users.repositories import known_passwords
from apps.users.repositories.known_passwords import BLOCK_BYTES, BreachedPasswordFile

pytestmark = pytest.mark.unit

NOT_IN_IT = ["", "nobody's", "\U0001f511", "x" * 256]


def digest(password: str) -> str:
    return sha1(password.encode()).hexdigest().upper()


def written(path: Path, digests: list[str], ending: str = "\r\n", *, ends: bool = True) -> BreachedPasswordFile:
    """Return a file of these digests in order, with counts of several lengths."""
    lines = [f"{found}:{int(found[:9], 16) % 10 ** (1 + int(found[9], 16) % 8)}" for found in sorted(digests)]
    path.write_bytes((ending.join(lines) + (ending if ends else "")).encode())
    return BreachedPasswordFile(path)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("ends", [True, False], ids=["ends", "does not end"])
@pytest.mark.parametrize("many", [1, 2, 3, 500, 5000])
def test_finds_each_password_and_no_other(tmp_path: Path, many: int, ending: str, ends: bool):
    passwords = [f"password {number}" for number in range(many)]
    file = written(tmp_path / "pwned", [digest(password) for password in passwords], ending, ends=ends)
    file.check()
    assert [password for password in passwords if not file.contains(password)] == []
    assert [
        password for password in NOT_IN_IT + [f"other {number}" for number in range(300)] if file.contains(password)
    ] == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    known=st.sets(st.text("ab", max_size=6), min_size=1, max_size=40),
    asked=st.text("ab", max_size=6),
    block_bytes=st.integers(128, 400),
    skewed=st.booleans(),
)
def test_any_file_and_any_size_of_block(tmp_path: Path, monkeypatch: Any, known, asked, block_bytes, skewed):
    monkeypatch.setattr(known_passwords, "BLOCK_BYTES", block_bytes)
    # Digests that all begin alike, beside two at the ends, are as unevenly spread as can be.
    padding = ["0" * 40, "F" * 40, *(f"{'7' * 36}{number:04X}" for number in range(200))] if skewed else []
    file = written(tmp_path / "pwned", [*(digest(password) for password in known), *padding])
    assert file.contains(asked) is (asked in known)


def test_reads_a_few_blocks_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reads: list[int] = []
    pread = os.pread

    def counted(*where: int) -> bytes:
        reads.append(where[1])
        return pread(*where)

    file = written(tmp_path / "pwned", [digest(str(number)) for number in range(100_000)])
    monkeypatch.setattr(os, "pread", counted)
    assert all(file.contains(str(number)) for number in range(200))
    assert set(reads) == {BLOCK_BYTES}
    assert len(reads) / 200 < 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "lines of an upper-case SHA-1"),
        (b"\n", "lines of an upper-case SHA-1"),
        (b"password\n123456\n", "lines of an upper-case SHA-1"),
        (b"\x00" * 5000, "lines of an upper-case SHA-1"),
        (digest("a").lower().encode() + b":1\n", "lines of an upper-case SHA-1"),
        (digest("a").encode() + b"\n", "lines of an upper-case SHA-1"),
        (b"8846F7EAEE8FB117AD06BDD830B7586C:1\n", "lines of an upper-case SHA-1"),
        (digest("a").encode() + b":1\ncut off", "lines of an upper-case SHA-1"),
        (b"F" * 40 + b":1\n" + b"0" * 40 + b":1\n", "sorted by digest"),
    ],
)
def test_file_of_another_format_is_rejected(tmp_path: Path, content: bytes, reason: str):
    (tmp_path / "pwned").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        BreachedPasswordFile(tmp_path / "pwned").check()


def test_file_in_another_order_is_rejected(tmp_path: Path):
    lines = [f"{digest(str(number))}:{number}" for number in range(1000)]
    (tmp_path / "pwned").write_text("\n".join(lines))
    with pytest.raises(ValueError, match="sorted by digest"):
        BreachedPasswordFile(tmp_path / "pwned").check()


@pytest.mark.parametrize("name", ["missing", "."])
def test_unreadable_file_is_rejected(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="cannot be read"):
        BreachedPasswordFile(tmp_path / name).check()


def test_file_that_breaks_during_use_raises_an_error(tmp_path: Path):
    (tmp_path / "pwned").write_bytes(b"\x00" * 100_000)
    with pytest.raises(ValueError, match="line without an end"):
        BreachedPasswordFile(tmp_path / "pwned").contains("x")


def test_newer_file_is_read_immediately(tmp_path: Path):
    file = written(tmp_path / "pwned", [digest("old")])
    assert (file.contains("old"), file.contains("new")) == (True, False)
    written(tmp_path / "newer", [digest("new")])
    (tmp_path / "newer").replace(tmp_path / "pwned")
    assert (file.contains("old"), file.contains("new")) == (False, True)

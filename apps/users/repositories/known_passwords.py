"""Common passwords, from public lists (`common_passwords.md`), and breached ones, in the operator's file."""

import gzip
import os
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import BinaryIO, NamedTuple

DIGEST_LENGTH = 40
RANK_DIGITS = 16  # of the digest; enough to estimate its place in the file
RANKS = 16**RANK_DIGITS
BLOCK_BYTES = 16 * 1024
LINE_BYTES_MAXIMUM = 128
SAMPLES = 64

_line = re.compile(rb"[0-9A-F]{40}:\d+\r?\n?")


class Lines(NamedTuple):
    """Complete lines of the file, and where they begin and end in it, in bytes."""

    begin: int
    end: int
    text: bytes

    @property
    def first(self) -> bytes:
        """The digest of the first line."""
        return self.text[:DIGEST_LENGTH]

    @property
    def last(self) -> bytes:
        """The digest of the last line."""
        begin = self.text.rfind(b"\n", 0, len(self.text.rstrip(b"\r\n"))) + 1
        return self.text[begin : begin + DIGEST_LENGTH]


class BreachedPasswordFile:
    """The file, opened for each look-up: a newer one may replace it at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def contains(self, password: str) -> bool:
        """Return whether the password is in the file; raises OSError or ValueError when it cannot be read."""
        digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        with self._path.open("rb", buffering=0) as file:
            return _search(file, digest)

    def check(self) -> None:
        """Check samples of the file; raises ValueError, with a reason, when its format is wrong."""
        try:
            with self._path.open("rb", buffering=0) as file:
                samples = list(_samples(file))
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        if not samples or not all(map(_line.fullmatch, samples)):
            raise ValueError("must have lines of an upper-case SHA-1, a colon and a count")
        digests = [line[:DIGEST_LENGTH] for line in samples]
        if digests != sorted(digests):
            raise ValueError("must be sorted by digest")


def _search(file: BinaryIO, digest: bytes) -> bool:
    """Search by interpolation, because digests are evenly distributed; bisect every third time in case they are not."""
    low, high = 0, _size(file)  # the line, if it exists, begins at or after `low` and before `high`
    low_rank, high_rank, wanted = 0, RANKS, _rank(digest)
    reads = 0
    while low < high:
        reads += 1
        share = (wanted - low_rank) / max(1, high_rank - low_rank) if reads % 3 else 0.5
        lines = _lines_around(file, low + int(share * (high - low)), low, high)
        if digest < lines.first:
            high, high_rank = lines.begin, _rank(lines.first)
        elif digest > lines.last:
            low, low_rank = lines.end, _rank(lines.last)
        else:
            return b"\n%b:" % digest in b"\n%b" % lines.text
    return False


def _lines_around(file: BinaryIO, offset: int, low: int, high: int) -> Lines:
    """Return the complete lines of a block around `offset`, none of which begins before `low` or ends after `high`."""
    start = max(low, min(offset - BLOCK_BYTES // 2, high - BLOCK_BYTES))
    block = os.pread(file.fileno(), min(BLOCK_BYTES, high - start), start)
    begin = 0 if start == low else block.find(b"\n") + 1
    end = len(block) if start + len(block) >= high else block.rfind(b"\n") + 1
    if begin >= end:
        raise ValueError("the file of breached passwords has a line without an end")
    return Lines(start + begin, start + end, block[begin:end])


def _samples(file: BinaryIO) -> Iterator[bytes]:
    size = _size(file)
    for number in range(SAMPLES):
        start = max(0, size * number // SAMPLES - 1)
        block = os.pread(file.fileno(), 2 * LINE_BYTES_MAXIMUM, start)
        lines = block.splitlines(keepends=True)[min(start, 1) :]
        yield from lines[:1]
    yield from os.pread(file.fileno(), LINE_BYTES_MAXIMUM, max(0, size - LINE_BYTES_MAXIMUM)).splitlines()[-1:]


def _rank(digest: bytes) -> int:
    return int(digest[:RANK_DIGITS], 16)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


LIST = Path(__file__).with_name("common_passwords.txt.gz")


def is_common_password(password: str) -> bool:
    """Return whether the password is in the list, regardless of case and width.

    The first call reads the list, a megabyte, which then stays in memory. It has no passwords under eight characters:
    those cannot be set.
    """
    text = unicodedata.normalize("NFKC", password).casefold().strip()
    return b"\n%b\n" % text.encode("utf-8", "surrogatepass") in _lines()


@cache
def _lines() -> bytes:
    return b"\n%b" % gzip.decompress(LIST.read_bytes())

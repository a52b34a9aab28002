"""The access log: whole lines in `logging`'s format, written together, and never waited for."""

import asyncio
import json
import logging
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.http import access_log
from apps.core.http.access_log import AccessLog
from apps.core.http.log_output import CHUNK_BYTES, LogOutput, first_lines
from config.logging import UtcFormatter, UtcJsonFormatter, logging_settings

LINE = ("POST", "/api/v1/keys/verify", 200, 0.00123, "trace-1", "192.0.2.9")
PIPE_BYTES = 65536


class Pipe:
    """Standard error as most servers have it: a pipe whose reader may stall."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.output = LogOutput(self.writer)

    def read(self) -> bytes:
        found = b""
        while True:
            try:
                found += os.read(self.reader, PIPE_BYTES)
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.output.close()
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def formatted(message: str, *, as_json: bool, **extra: object) -> str:
    """Return the line as `logging` writes it."""
    formats = logging_settings("INFO", as_json=as_json)["formatters"]["json" if as_json else "plain"]
    record = logging.makeLogRecord({"name": "keyhouse.access", "levelname": "INFO", "msg": message, **extra})
    return (UtcJsonFormatter if as_json else UtcFormatter)(formats["fmt"]).format(record)


async def test_plain_line_is_that_of_logging(pipe: Pipe):
    AccessLog(pipe.output, as_json=False).add(*LINE)
    await asyncio.sleep(0)
    line = pipe.read().decode()
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line)
    usual = formatted("POST /api/v1/keys/verify 200 1.2ms", as_json=False)
    assert line.partition(" ")[2] == usual.partition(" ")[2] + "\n"


async def test_json_line_is_that_of_logging(pipe: Pipe):
    AccessLog(pipe.output, as_json=True).add(*LINE)
    await asyncio.sleep(0)
    line = json.loads(pipe.read())
    fields = {"method": "POST", "path": "/api/v1/keys/verify", "status": 200, "duration_ms": 1.23,
              "request_id": "trace-1", "client": "192.0.2.9"}  # fmt: skip
    usual = json.loads(formatted("POST /api/v1/keys/verify 200 1.2ms", as_json=True, **fields))
    assert list(line) == list(usual)
    assert {**line, "asctime": ""} == {**usual, "asctime": ""}


async def test_lines_of_a_turn_are_written_together(pipe: Pipe, monkeypatch: pytest.MonkeyPatch):
    writes: list[bytes] = []

    def note(lines: bytes) -> int:
        writes.append(bytes(lines))
        return len(lines)

    monkeypatch.setattr(pipe.output, "write", note)
    log = AccessLog(pipe.output, as_json=False)
    for _ in range(5):
        log.add(*LINE)
    assert writes == []
    await asyncio.sleep(0)
    assert [write.count(b"\n") for write in writes] == [5]
    await asyncio.sleep(0)
    assert len(writes) == 1


@pytest.mark.parametrize("is_reopened", [True, False], ids=["reopened", "shared"])
async def test_stalled_reader_blocks_nothing_and_learns_what_was_dropped(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, is_reopened: bool
):
    if not is_reopened:  # as where the pipe belongs to another user
        monkeypatch.setattr(os, "open", _refuse)
    monkeypatch.setattr(access_log, "WAITING_BYTES_MAXIMUM", 100_000)
    monkeypatch.setattr(access_log, "RETRY_SECONDS", 0.01)
    log, output = AccessLog(LogOutput(pipe.writer), as_json=False), b""
    for number in range(5000):  # twice what a pipe and the buffer hold
        log.add("GET", f"/{number}", 200, 0, "", None)
        await asyncio.sleep(0)
    numbers: list[int] = []
    dropped = 0
    while len(numbers) + dropped < 5000:
        output += pipe.read()
        await asyncio.sleep(0.01)
        numbers = [int(number) for number in re.findall(rb"GET /(\d+) 200", output)]
        dropped = sum(map(int, re.findall(rb"WARNING keyhouse.access (\d+) lines were dropped", output)))
    assert dropped > 0
    assert numbers == sorted(set(numbers))
    assert all(line.startswith(b"20") for line in output.splitlines())
    log.add("GET", "/later", 200, 0, "", None)
    log.flush()
    assert pipe.read().endswith(b"GET /later 200 0.0ms\n")


def _refuse(*_: object) -> int:
    raise PermissionError


async def test_o_nonblock_is_not_set_for_others(pipe: Pipe):
    AccessLog(pipe.output, as_json=False).add(*LINE)
    await asyncio.sleep(0)
    assert os.get_blocking(pipe.writer)


async def test_flush_gives_up_on_a_stalled_reader(pipe: Pipe, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access_log, "FLUSH_SECONDS_MAXIMUM", 0.05)
    log = AccessLog(pipe.output, as_json=False)
    for _ in range(2000):
        log.add(*LINE)
    log.flush()
    assert 0 < pipe.read().count(b"\n") < 2000


async def test_closed_reader_ends_nothing(pipe: Pipe):
    log = AccessLog(pipe.output, as_json=False)
    os.close(pipe.reader)
    pipe.reader = os.dup(pipe.writer)
    log.add(*LINE)
    await asyncio.sleep(0)
    log.add(*LINE)
    log.flush()


async def test_log_to_a_file_is_appended(tmp_path: Path):
    path = tmp_path / "log"
    path.write_bytes(b"before\n")
    with path.open("ab") as file:
        log = AccessLog(LogOutput(file.fileno()), as_json=False)
        for _ in range(500):
            log.add(*LINE)
        log.flush()
    lines = path.read_bytes().splitlines()
    assert (lines[0], len(lines)) == (b"before", 501)


async def test_log_to_a_socket_does_not_block():
    reader, writer = socket.socketpair()
    with reader, writer:
        output = LogOutput(writer.fileno())
        log = AccessLog(output, as_json=False)
        for _ in range(5000):
            log.add(*LINE)
            await asyncio.sleep(0)
        assert reader.recv(1 << 20).count(b"\n") > 10
        output.close()


@pytest.mark.parametrize("lines", [b"a\n", b"a" * 5000 + b"\n", (b"b" * 999 + b"\n") * 9])
def test_chunks_end_with_a_line(lines: bytes):
    chunks, start = [], 0
    while start < len(lines):
        chunks.append(first_lines(lines, start))
        start += len(chunks[-1])
    assert b"".join(chunks) == lines
    assert max(map(len, chunks)) <= CHUNK_BYTES
    if len(lines) == 9000:
        assert all(chunk.endswith(b"\n") for chunk in chunks)

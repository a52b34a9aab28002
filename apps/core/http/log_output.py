"""Writes log lines to a file descriptor without ever blocking the event loop.

Standard error is shared with other processes, so O_NONBLOCK must not be set on it: it would be set for all of them.
"""

import os
import select
import socket
import stat
from contextlib import suppress

# A write of up to this size to a pipe that `poll` calls writable does not block, and is not mixed with others (POSIX).
CHUNK_BYTES = select.PIPE_BUF


class LogOutput:
    """A pipe, a terminal, a socket or a file, to which others may write too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        mode = os.fstat(descriptor).st_mode
        self._is_file = stat.S_ISREG(mode)
        self._socket = socket.socket(fileno=os.dup(descriptor)) if stat.S_ISSOCK(mode) else None
        if self._socket is None:
            self._descriptor = _reopened(descriptor) if stat.S_ISFIFO(mode) else os.dup(descriptor)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)

    def write(self, lines: bytes | bytearray) -> int:
        """Write as many of the lines as can be written now, and return their length."""
        if self._is_file:
            with suppress(OSError):  # a full disk must not end requests
                os.write(self._descriptor, lines)
            return len(lines)
        done = 0
        while done < len(lines) and self.wait(0):
            written = self._written(first_lines(lines, done))
            if written == 0:
                break
            done += written
        return done

    def wait(self, seconds: float) -> bool:
        """Wait until something can be written, and return whether it can."""
        return bool(self._poll.poll(seconds * 1000))

    def close(self) -> None:
        """Close what was opened for this object."""
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(self._descriptor)

    def _written(self, chunk: bytes) -> int:
        try:
            if self._socket is not None:
                return self._socket.send(chunk, socket.MSG_DONTWAIT)
            return os.write(self._descriptor, chunk)
        except BlockingIOError:
            return 0
        except OSError:  # the reader has closed its end
            return len(chunk)


def first_lines(lines: bytes | bytearray, start: int) -> bytes:
    """Return the whole lines from `start` of up to CHUNK_BYTES together, or as much of a longer line."""
    end = len(lines)
    if end - start > CHUNK_BYTES:
        end = lines.rfind(b"\n", start, start + CHUNK_BYTES) + 1 or start + CHUNK_BYTES
    return bytes(lines[start:end])


def _reopened(pipe: int) -> int:
    """Return the pipe opened once more, so that O_NONBLOCK concerns this process alone; else the pipe itself.

    Between `poll` and a write another process may fill a pipe, and the write would then wait for its reader.
    """
    try:
        return os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no Linux, or the pipe belongs to another user
        return os.dup(pipe)

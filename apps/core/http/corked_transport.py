"""A transport that sends the head and the body of a response in one packet."""

import asyncio
from typing import Any

_NOTHING = b""


class CorkedTransport:
    """Passes everything to a transport; what is written between `cork` and `uncork` becomes one write.

    uvloop sends each write at once, and uvicorn writes the head and the body of a response one after the other.
    """

    __slots__ = ("_is_corked", "_transport", "_written", "abort", "get_extra_info", "get_write_buffer_size",
                 "is_closing", "pause_reading", "resume_reading")  # fmt: skip

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport: Any = transport
        self._is_corked = False
        self._written: list[bytes] = []
        self.abort = transport.abort
        self.get_extra_info = transport.get_extra_info
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def cork(self) -> None:
        """Keep what is written from now on."""
        self._is_corked = True

    def uncork(self) -> None:
        """Send what has been written since `cork`."""
        self._is_corked = False
        if self._written:
            written, self._written = self._written, []
            self._transport.write(_NOTHING.join(written))

    def write(self, data: bytes) -> None:
        """Send the data, or keep it."""
        if self._is_corked:
            self._written.append(data)
        else:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Send what has been written, and then the end."""
        self.uncork()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what has been written, and close."""
        self.uncork()
        self._transport.close()

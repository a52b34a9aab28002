"""The supervisor: a few deaths are tolerated, a crash loop is not; its port is its own; enough files may be open."""

import resource
import socket
import time
from itertools import count

import pytest

from config.management.commands.serve import allow_open_files
from config.serving.server import Address
from config.serving.supervisor import (
    DEATHS_MAXIMUM,
    DEATHS_SECONDS,
    AddressTaken,
    TooManyDeaths,
    WorkerDeaths,
    reserved,
)
from tests.support.server import free_port

pytestmark = pytest.mark.unit


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> WorkerDeaths:
    """A record of DEATHS_MAXIMUM deaths within as many seconds."""
    ticks = count(1001)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    record = WorkerDeaths()
    for _ in range(DEATHS_MAXIMUM):
        record.add()
    return record


@pytest.fixture
def address() -> Address:
    return Address("127.0.0.1", free_port())


def test_deaths_in_quick_succession_end_the_server(deaths: WorkerDeaths):
    with pytest.raises(TooManyDeaths):
        deaths.add()


def test_old_deaths_are_not_counted(deaths: WorkerDeaths, monkeypatch: pytest.MonkeyPatch):
    later = time.monotonic() + DEATHS_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    for _ in range(DEATHS_MAXIMUM):
        deaths.add()
    with pytest.raises(TooManyDeaths):
        deaths.add()


def test_second_server_finds_the_port_taken_before_anything_listens(address: Address):
    with reserved(address), pytest.raises(AddressTaken, match=f"{address.port}"), reserved(address):
        pass


def test_port_is_free_after_the_server(address: Address):
    with reserved(address):
        pass
    with reserved(address):
        pass


def test_workers_share_the_reserved_port(address: Address):
    with reserved(address), address.bound_socket(shares_address=True) as one:
        one.listen()
        with address.bound_socket(shares_address=True) as other:
            other.listen()


def test_connections_of_an_earlier_server_do_not_keep_the_port(address: Address):
    with reserved(address), address.bound_socket(shares_address=True) as listening:
        listening.listen()
        with socket.create_connection(address):
            listening.accept()[0].close()  # the side that closes first keeps the connection for a minute
    with reserved(address), address.bound_socket(shares_address=True) as listening:
        listening.listen()


def test_address_of_another_machine_is_refused():
    with pytest.raises(AddressTaken), reserved(Address("192.0.2.1", 8000)):
        pass


@pytest.mark.parametrize(
    ("limits", "set_to", "is_logged"),
    [
        ((1024, 524288), (1536, 524288), False),
        ((1024, resource.RLIM_INFINITY), (1536, resource.RLIM_INFINITY), False),
        ((1024, 1200), (1200, 1200), True),
        ((4096, 4096), None, False),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, False),
    ],
)
def test_limit_of_open_files_is_raised_as_far_as_allowed(monkeypatch, caplog, limits, set_to, is_logged):
    changes = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, chosen: changes.append(chosen))
    allow_open_files(1536)
    assert changes == ([set_to] if set_to else [])
    assert ("CONNECTIONS_MAXIMUM" in caplog.text) == is_logged

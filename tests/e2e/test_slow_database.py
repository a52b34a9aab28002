"""PostgreSQL does not respond: waiting is bounded, excess requests are refused at once, disconnects are not charged."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal

import psutil
import pytest

from apps.verification.services.batcher import BATCH_SIZE_MAXIMUM, BATCHES_MAXIMUM, WAITING_MAXIMUM
from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.asker import Asker
from tests.support.crowd import CROWD, Crowd, allow_connections
from tests.support.frozen import frozen
from tests.support.ledger import audit, books_of, request_ids
from tests.support.server import Server, start_server
from tests.support.staff import Customer, Staff, staff_of

pytestmark = pytest.mark.e2e

ACCEPTED_MAXIMUM = WAITING_MAXIMUM + BATCHES_MAXIMUM * BATCH_SIZE_MAXIMUM
CROWDS = 55
ASKED = CROWDS * CROWD
PATIENT_CROWDS = 2
LATE_CROWDS = 20
NO_PLACE = "Too many verifications are waiting. Retry shortly."
WAITING_MEGABYTES_MAXIMUM = 300  # some 14 kB for each that waits, most of it the server's
REFUSED_MEGABYTES_MAXIMUM = 30
REFUSAL_SECONDS_MAXIMUM = 1.0
RECOVERY_SECONDS_MAXIMUM = 10.0
IDLE_SECONDS_MAXIMUM = 30.0
ASKERS = 20
UNWATCHED_SECONDS = 1.0  # four times as long as nobody looks whether a client is still there


@dataclass(frozen=True)
class Place:
    """A Keyhouse with one worker, on a PostgreSQL of its own."""

    postgres: EmbeddedPostgres
    server: Server
    worker: psutil.Process
    staff: Staff

    @property
    def megabytes(self) -> float:
        """How much memory the worker holds."""
        return float(self.worker.memory_info().rss) / 2**20

    def asker(self, seconds: float = 30) -> Asker:
        return Asker(self.server.url, self.server.service_key, seconds)

    def charged(self, customer: Customer) -> set[str]:
        """Return the requests that were charged, each once."""
        rows = request_ids(self.postgres.url, customer.id)
        assert set(rows.values()) <= {1}
        assert books_of(self.postgres.url, customer.id).debits == Decimal(len(rows))
        assert audit(self.postgres.url).returncode == 0
        return set(rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("slow")
    connections = ASKED + 2 * CROWD
    allow_connections(connections)
    with (
        EmbeddedPostgres(directory / "postgres", durable=False) as postgres,
        start_server(postgres.url, directory / "server", WORKERS="1", CONNECTIONS_MAXIMUM=str(connections)) as server,
        staff_of(server, server.administrator_password) as staff,
    ):
        yield Place(postgres, server, server.workers[0], staff)
        assert server.stop() == 0
        assert "Traceback" not in server.errors


def test_excess_requests_are_refused_at_once(place: Place):
    customer = place.staff.make_customer(balance=2 * ASKED)
    before = place.megabytes
    with ExitStack() as stack:
        with frozen(place.postgres):
            crowds = [stack.enter_context(_crowd(place, customer, f"{number}")) for number in range(CROWDS)]
            _wait_until_idle(place)
            full = place.megabytes
            refused = _refused(crowds)
            for number in range(LATE_CROWDS):
                with _crowd(place, customer, f"late {number}") as late:
                    assert len(_refused([late], 10)) == CROWD
            over_full = place.megabytes
            _check_refusal(place, customer)
            for crowd in crowds[PATIENT_CROWDS:]:
                crowd.close()
            _wait_until_idle(place)
        _check_recovery(place, customer)
        valid = _valid(crowds[:PATIENT_CROWDS])

    assert ASKED - ACCEPTED_MAXIMUM <= len(refused) <= ASKED - WAITING_MAXIMUM
    assert len(valid | refused) >= PATIENT_CROWDS * CROWD
    assert place.charged(customer) == valid
    assert full - before < WAITING_MEGABYTES_MAXIMUM
    assert over_full - full < REFUSED_MEGABYTES_MAXIMUM


def test_disconnected_client_is_not_charged(place: Place):
    customer = place.staff.make_customer(balance=ASKERS)
    with ThreadPoolExecutor(ASKERS) as threads:
        with frozen(place.postgres):
            staying = [threads.submit(_stay, place, customer, f"stays {number}") for number in range(ASKERS // 2)]
            leaving = [threads.submit(_leave, place, customer, f"leaves {number}") for number in range(ASKERS // 2)]
            assert {left.result() for left in leaving} == {"left"}
            time.sleep(UNWATCHED_SECONDS)
            assert not any(asked.done() for asked in staying)
        _check_recovery(place, customer)
        assert {asked.result() for asked in staying} == {"VALID"}
    assert place.charged(customer) == {f"stays {number}" for number in range(ASKERS // 2)}


def _crowd(place: Place, customer: Customer, name: str) -> Crowd:
    """Return a crowd that has asked; each of its questions costs a credit."""
    crowd = Crowd(place.server.url, place.server.service_key)
    crowd.ask([{"key": customer.secret, "cost": "1", "request_id": f"{name} {number}"} for number in range(CROWD)])
    return crowd


def _refused(crowds: Sequence[Crowd], seconds: float = 0.02) -> set[str]:
    """Return the requests that have been refused, and check that no other has been answered."""
    answered = [answer for crowd in crowds for answer in crowd.answers(seconds)]
    assert {answer["error"]["message"] for _, answer in answered} <= {NO_PLACE}
    return {question["request_id"] for question, _ in answered}


def _valid(crowds: Sequence[Crowd]) -> set[str]:
    answered = [answer for crowd in crowds for answer in crowd.answers()]
    assert {answer["code"] for _, answer in answered} == {"VALID"}
    return {question["request_id"] for question, _ in answered}


def _check_refusal(place: Place, customer: Customer) -> None:
    with place.asker() as asker:
        reply = asker.verify(customer.secret)
    assert (reply.status, reply.content["error"]["code"]) == (503, "UNAVAILABLE")
    assert int(reply.retry_after or 0) >= 1
    assert reply.ended - reply.started < REFUSAL_SECONDS_MAXIMUM


def _check_recovery(place: Place, customer: Customer) -> None:
    # What lacks a scope is refused in the same batches as all others, and leaves no usage row.
    with place.asker() as asker:
        _wait_for(lambda: asker.verify(customer.secret, scopes=["no:such"]).status == 200, RECOVERY_SECONDS_MAXIMUM)


def _stay(place: Place, customer: Customer, request_id: str) -> str:
    with place.asker() as asker:
        return asker.verify(customer.secret, cost="1", request_id=request_id).code


def _leave(place: Place, customer: Customer, request_id: str) -> str:
    try:
        with place.asker(UNWATCHED_SECONDS) as asker:
            return asker.verify(customer.secret, cost="1", request_id=request_id).code
    except TimeoutError:
        return "left"


def _wait_until_idle(place: Place) -> None:
    """Wait until the worker has done all that it can do for now."""

    def is_idle() -> bool:
        before = sum(place.worker.cpu_times()[:2])
        time.sleep(0.5)
        return bool(sum(place.worker.cpu_times()[:2]) - before <= 0.02)

    _wait_for(is_idle, IDLE_SECONDS_MAXIMUM)


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

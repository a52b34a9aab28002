"""A revocation holds from its answer on, in every worker, and each VALID answer has exactly one usage row."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from tests.support.people import Person
from tests.support.server import Server

VERIFICATIONS = 1000
CONNECTIONS = 32
BEFORE_REVOKING = 300


@dataclass(frozen=True)
class Observation:
    """One verification: when it was asked, when it was answered, and how."""

    started: float
    ended: float
    code: str
    request_id: str


class Watcher:
    """Verifies one key over and over on many connections."""

    def __init__(self, server: Server, service: dict[str, str], secret: str) -> None:
        self._server = server
        self._headers = service
        self._secret = secret
        self._tickets = iter(range(VERIFICATIONS))
        self._lock = threading.Lock()
        self.answered = threading.Semaphore(0)

    def run(self) -> list[Observation]:
        """Take verifications from the common thousand until none is left."""
        seen = []
        with self._server.client(headers=self._headers) as client:
            while self._takes_one():
                seen.append(self._verify(client))
                self.answered.release()
        return seen

    def _takes_one(self) -> bool:
        with self._lock:
            return next(self._tickets, None) is not None

    def _verify(self, client: httpx.Client) -> Observation:
        started = time.monotonic()
        answer = client.post("/api/v1/keys/verify", json={"key": self._secret})
        assert answer.status_code == 200, answer.text
        return Observation(started, time.monotonic(), answer.json()["code"], answer.json()["request_id"])


def test_no_verification_that_starts_after_the_answer_says_valid(
    server: Server, person: Person, service: dict[str, str], busy_key: dict[str, Any]
):
    watcher = Watcher(server, service, busy_key["api_key"])
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        running = [threads.submit(watcher.run) for _ in range(CONNECTIONS)]
        for _ in range(BEFORE_REVOKING):
            assert watcher.answered.acquire(timeout=30)
        asked = time.monotonic()
        revoked = person.client.post(f"/api/v1/api-keys/{busy_key['id']}/revoke", headers=person.headers)
        answered = time.monotonic()
        seen = [observation for run in running for observation in run.result()]

    assert revoked.status_code == 200
    assert len(seen) == VERIFICATIONS
    assert {observation.code for observation in seen} == {"VALID", "DISABLED"}
    assert {observation.code for observation in seen if observation.started > answered} == {"DISABLED"}
    assert {observation.code for observation in seen if observation.ended < asked} == {"VALID"}
    valid = Counter(observation.request_id for observation in seen if observation.code == "VALID")
    assert _usage_rows(server, busy_key["id"]) == valid
    assert set(valid.values()) == {1}


def test_the_load_reaches_both_workers(server: Server, service: dict[str, str], busy_key: dict[str, Any]):
    watcher = Watcher(server, service, busy_key["api_key"])
    before = _processor_seconds(server)
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for run in [threads.submit(watcher.run) for _ in range(CONNECTIONS)]:
            run.result()
    spent = {worker: seconds - before[worker] for worker, seconds in _processor_seconds(server).items()}
    assert len(spent) == 2
    assert all(seconds > 0 for seconds in spent.values()), spent


def _usage_rows(server: Server, key_id: int) -> Counter[str]:
    with psycopg.connect(server.database_url) as connection:
        rows = connection.execute("SELECT request_id FROM usage_records WHERE api_key_id = %s", [key_id])
        return Counter(request_id for (request_id,) in rows)


def _processor_seconds(server: Server) -> dict[int, float]:
    return {worker.pid: sum(worker.cpu_times()[:2]) for worker in server.workers}

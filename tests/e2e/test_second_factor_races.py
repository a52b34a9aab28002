"""Codes guessed and repeated at once, against several processes: few are judged, and each is good once."""

import threading
import time
from collections import Counter
from typing import Any

import httpx
import pyotp
import pytest

from tests.support.people import PASSWORD, Person, sign_up, verified
from tests.support.server import Server

pytestmark = pytest.mark.e2e

GUESSES = 20


@pytest.fixture
def person(server: Server, client: httpx.Client) -> Person:
    return verified(server, sign_up(client))


def enrol(client: httpx.Client, person: Person) -> pyotp.TOTP:
    """Give the person an authenticator app."""
    begun = client.post("/api/v1/auth/second-factors/totp", headers=person.headers)
    assert begun.status_code == 201, begun.text
    program = pyotp.TOTP(begun.json()["secret"])
    confirmed = client.post(
        "/api/v1/auth/second-factors/totp/confirm", json={"code": program.now()}, headers=person.headers
    )
    assert confirmed.status_code == 200, confirmed.text
    return program


def begin(client: httpx.Client, person: Person) -> str:
    asked = client.post("/api/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert asked.status_code == 202, asked.text
    token: str = asked.json()["second_factor_token"]
    return token


def at_once(server: Server, bodies: list[dict[str, Any]]) -> Counter[int]:
    """Send each on a connection of its own, all at once, and return how often which status came."""
    statuses: Counter[int] = Counter()
    start, lock = threading.Barrier(len(bodies)), threading.Lock()

    def send(body: dict[str, Any]) -> None:
        with server.client() as client:
            start.wait()
            status = client.post("/api/v1/auth/second-factor", json=body).status_code
        with lock:
            statuses[status] += 1

    threads = [threading.Thread(target=send, args=[body]) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_of_twenty_guesses_at_once_five_are_judged(server: Server, client: httpx.Client, person: Person):
    program = enrol(client, person)
    near = {program.at(int(time.time()) + steps * 30) for steps in range(-3, 10)}
    wrong = next(digits for digits in map("{:06}".format, range(1000)) if digits not in near)
    bodies = [{"second_factor_token": begin(client, person), "code": wrong} for _ in range(GUESSES)]
    assert at_once(server, bodies) == {400: 5, 429: GUESSES - 5}


def test_one_code_many_times_at_once_signs_in_once(server: Server, client: httpx.Client, person: Person):
    program = enrol(client, person)
    tokens = [begin(client, person) for _ in range(4)]
    # The code that confirmed the program is used up; the next step's is good already.
    code = program.at(int(time.time()) + 30)
    statuses = at_once(server, [{"second_factor_token": token, "code": code} for token in tokens])
    assert statuses == {200: 1, 400: 3}
    sessions = client.get("/api/v1/auth/sessions", headers=person.headers).json()
    assert sorted(row["methods"] for row in sessions["items"]) == [["pwd"], ["pwd", "otp"]]

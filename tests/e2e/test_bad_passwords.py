"""Passwords that cannot be, and guesses, at a served Keyhouse."""

import json

import httpx
import pytest

from tests.support.assertions import assert_error
from tests.support.people import PASSWORD, Person
from tests.support.server import ADMINISTRATOR_EMAIL, Server
from tests.support.untouched import untouched

pytestmark = pytest.mark.e2e

LOGIN, CHANGE, USERS = "/api/v1/auth/login", "/api/v1/auth/change-password", "/api/v1/users"
TEN_MEGABYTES = "x" * 10 * 1024 * 1024
UNACCEPTABLE = {
    "long": "x" * 257,
    "a hundred kilobytes": "x" * 100_000,
    "nul": "hunter2hunter2\x00",
    "empty": "",
    "number": 5,
}


def bodies(password: object) -> dict[str, dict[str, object]]:
    """Return a body with this password for each operation that takes one."""
    return {
        LOGIN: {"email": "nobody@example.com", "password": password},
        USERS: {"email": "new@example.com", "username": "new", "password": password},
        CHANGE: {"current_password": PASSWORD, "new_password": password},
    }


def test_ten_megabytes(server: Server, person: Person):
    for path, body in bodies(TEN_MEGABYTES).items():
        content = json.dumps(body)
        with untouched(server):
            answer = person.client.post(
                path, content=content, headers={**person.headers, "Content-Type": "application/json"}
            )
        assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


def test_half_a_megabyte(server: Server, person: Person):
    for path, body in bodies("x" * 500_000).items():
        with untouched(server):
            answer = person.client.post(path, json=body, headers=person.headers)
        if path == CHANGE:  # it is known who asks
            assert_error(answer, 422, "VALIDATION_FAILED")
        else:
            assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("password", UNACCEPTABLE.values(), ids=UNACCEPTABLE.keys())
def test_what_cannot_be(server: Server, person: Person, password: object):
    for path, body in bodies(password).items():
        with untouched(server):
            answer = person.client.post(path, json=body, headers=person.headers)
        assert_error(answer, 422, "VALIDATION_FAILED")
        assert "hunter2" not in answer.text


@pytest.mark.parametrize("password", ["lakers524", "keyhouse2026!", "12345678"])
def test_what_may_not_be_set(server: Server, person: Person, password: str):
    for path in (USERS, CHANGE):
        with untouched(server):
            answer = person.client.post(path, json=bodies(password)[path], headers=person.headers)
        assert_error(answer, 422, "VALIDATION_FAILED")
        assert password not in answer.text


@pytest.mark.parametrize(("length", "status"), [(257, 200), (500_000, 200), (10 * 1024 * 1024, 413)])
def test_at_the_staff_door(server: Server, length: int, status: int):
    with httpx.Client(base_url=server.url, timeout=30) as browser:
        browser.get("/admin/login/")
        form = {
            "username": ADMINISTRATOR_EMAIL,
            "password": "x" * length,
            "csrfmiddlewaretoken": browser.cookies["staff_csrf"],
        }
        with untouched(server):
            answer = browser.post("/admin/login/", data=form, headers={"Referer": f"{server.url}/admin/login/"})
    assert answer.status_code == status
    assert "staff_session" not in answer.cookies


def test_five_guesses_lock_the_pair_on_every_worker(server: Server, person: Person):
    wrong, right = ({"email": person.email, "password": password} for password in ("wrong", PASSWORD))
    statuses = []
    for _ in range(8):
        with server.client() as fresh:
            statuses.append(fresh.post(LOGIN, json=wrong).status_code)
    assert statuses == [401] * 5 + [429] * 3
    with untouched(server):
        for spelling in (person.email, person.email.upper(), f" {person.email} ", person.email.replace("@", "\uff20")):
            assert_error(person.client.post(LOGIN, json={**right, "email": spelling}), 429, "LOCKED_OUT")

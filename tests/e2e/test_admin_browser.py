"""The admin in a real browser: the content security policy refuses nothing, nothing is loaded from other hosts, and a
revocation holds from the moment the browser has the response."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.support.people import Person
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

CALLERS = 8
SECONDS_BEFORE, SECONDS_AFTER = 1.0, 1.0


def test_key_is_created_and_revoked(page: Page, person: Person, client: httpx.Client, service: dict[str, str]):
    _find_user(page, person)
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("from the browser")
    page.get_by_label("Scopes").fill("reports:read")
    page.get_by_label("Reason").fill("The customer asked for it")
    page.get_by_role("button", name="Save").click()
    secret = _copy_secret(page)
    assert _code(client, service, secret) == "VALID"

    page.get_by_role("link", name="Continue to the key").click()
    assert secret not in page.content()
    page.get_by_role("link", name="Revoke").click()
    page.get_by_label("Reason").fill("leaked")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("“from the browser” revoked.")).to_be_visible()
    assert _code(client, service, secret) == "DISABLED"
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()


def test_key_is_created_for_an_owner_found_by_search(page: Page, person: Person):
    page.goto("/admin/api_keys/apikey/add/")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url.partition("/admin/")[2]))
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill(person.email)
    page.locator(".select2-results__option", has_text=person.email).click()
    assert {path for path in requested if path.startswith("autocomplete")} == {"autocomplete/"}
    page.get_by_label("Name").fill("chosen")
    page.get_by_label("Reason").fill("The customer asked for it")
    page.get_by_role("button", name="Today").click()
    page.get_by_role("button", name="Now").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Must be in the future.")).to_be_visible()
    page.locator("#id_expires_at_0").fill("2091-01-01")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#secret")).to_be_visible()


def test_key_is_found_by_its_secret_which_stays_out_of_urls(page: Page, person: Person):
    key, visited = person.create_key(name="lost and found"), []
    page.on("request", lambda request: visited.append(request.url))
    page.goto("/admin/api_keys/apikey/")
    page.locator("#searchbar").fill(key["api_key"])
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(f"{page.url.split('/admin')[0]}/admin/api_keys/apikey/{key['id']}/change/")
    assert not any(key["api_key"] in url for url in visited)


def test_key_is_rotated(page: Page, person: Person, client: httpx.Client, service: dict[str, str]):
    key = person.create_key(name="turning")
    page.goto(f"/admin/api_keys/apikey/{key['id']}/change/")
    page.get_by_role("link", name="Rotate").click()
    page.get_by_label("for 1 more hour").check()
    page.get_by_label("Reason").fill("The customer asked for it")
    page.get_by_role("button", name="Rotate").click()
    secret = _copy_secret(page)
    page.reload()
    expect(page.get_by_text("This secret was shown already.")).to_be_visible()
    assert [_code(client, service, each) for each in (key["api_key"], secret)] == ["VALID", "VALID"]


def test_double_click_back_and_a_second_tab_rotate_once(page: Page, person: Person):
    key = person.create_key(name="clicked")
    page.goto(f"/admin/api_keys/apikey/rotate/?id={key['id']}")
    page.get_by_label("Reason").fill("The customer asked for it")
    page.get_by_role("button", name="Rotate").dblclick()
    expect(page.locator("#secret")).to_be_visible()
    address = page.url
    page.go_back()
    page.go_forward()
    expect(page.get_by_text("This secret was shown already.")).to_be_visible()
    second = page.context.new_page()
    second.goto(address)
    expect(second.get_by_text("This secret was shown already.")).to_be_visible()
    second.goto(f"/admin/api_keys/apikey/{key['id']}/change/")
    assert second.locator(".field-secrets code").count() == 2


def test_users_are_suspended_from_the_list(page: Page, person: Person, client: httpx.Client, service: dict[str, str]):
    key = person.create_key()
    _search_users(page, person)
    page.get_by_role("checkbox").nth(1).check()
    page.locator("select[name=action]").select_option("deactivate_selected")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("Reason").fill("A chargeback")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text(f"“{person.email}” suspended.")).to_be_visible()
    assert _code(client, service, key["api_key"]) == "FORBIDDEN"


def test_role_is_created_and_assigned(page: Page, person: Person):
    page.goto("/admin/users/role/add/")
    page.get_by_label("Name").fill("helpers")
    page.get_by_label("credits:hold").check()
    page.get_by_label("keys:read").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The role “helpers” was added successfully.")).to_be_visible()
    page.goto(f"/admin/users/user/{person.id}/change/")
    page.get_by_label("helpers").check()
    page.get_by_label("Reason").fill("A new colleague")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/admin/users/role/")
    row = page.get_by_role("row").filter(has_text="helpers")
    expect(row.locator(".field-scopes")).to_have_text("credits:holdkeys:read")
    expect(row.locator(".field-accounts")).to_have_text("1")


def test_pages_of_the_back_office_load(page: Page, person: Person):
    key = person.create_key()
    for path in (
        "/admin/",
        f"/admin/users/user/{person.id}/change/",
        f"/admin/users/user/{person.id}/delete/",
        f"/admin/api_keys/apikey/{key['id']}/delete/",
        "/admin/api_keys/apikey/?state=revoked",
        "/admin/plans/plan/",
        "/admin/users/role/",
        "/admin/users/role/add/",
        "/admin/plans/plan/add/",
        "/admin/audit/auditevent/",
        f"/admin/api_keys/apikey/{key['id']}/history/",
        "/admin/password_change/",
    ):
        response = page.goto(path)
        assert response is not None
        assert response.status == 200


def test_verifications_after_the_revocation_are_disabled(
    page: Page, server: Server, service: dict[str, str], busy_key: dict[str, Any]
):
    page.goto(f"/admin/api_keys/apikey/revoke/?id={busy_key['id']}")
    page.get_by_label("Reason").fill("leaked")
    with _verified_continuously(server, service, busy_key["api_key"]) as verifications:
        time.sleep(SECONDS_BEFORE)
        with page.expect_response(lambda response: response.request.method == "POST") as revocation:
            page.get_by_role("button", name="Revoke").click()
        assert revocation.value.status == 302
        revoked_at = time.perf_counter()
        time.sleep(SECONDS_AFTER)
    after = [response.code for response in verifications if response.began_at > revoked_at]
    valid = [response for response in verifications if response.code == "VALID"]
    assert (len(valid) > CALLERS, len(after) > CALLERS) == (True, True)
    assert set(after) == {"DISABLED"}
    assert {response.code for response in verifications} == {"VALID", "DISABLED"}
    with psycopg.connect(server.database_url) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM usage_records WHERE api_key_id = %s", [busy_key["id"]]
        ).fetchone()
    assert rows == (len(valid),)


@dataclass(frozen=True)
class Verification:
    """One verification: its start and its verdict."""

    began_at: float
    code: str


@contextmanager
def _verified_continuously(server: Server, service: dict[str, str], secret: str) -> Iterator[list[Verification]]:
    verifications: list[Verification] = []
    is_finished = threading.Event()

    def verify() -> None:
        with server.client() as client:
            while not is_finished.is_set():
                began_at = time.perf_counter()
                verifications.append(Verification(began_at, _code(client, service, secret)))

    callers = [threading.Thread(target=verify) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        yield verifications
    finally:
        is_finished.set()
        for caller in callers:
            caller.join()


def _search_users(page: Page, person: Person) -> None:
    page.goto("/admin/users/user/")
    page.locator("#searchbar").fill(person.email)
    page.get_by_role("button", name="Search").click()


def _find_user(page: Page, person: Person) -> None:
    _search_users(page, person)
    page.get_by_role("link", name=person.email).click()
    expect(page.locator(".customer-address")).to_contain_text(person.email)


def _copy_secret(page: Page) -> str:
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("sk_live_")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    return secret


def _code(client: httpx.Client, service: dict[str, str], secret: str) -> str:
    response = client.post("/api/v1/keys/verify", json={"key": secret}, headers=service)
    assert response.status_code == 200, response.text
    return str(response.json()["code"])

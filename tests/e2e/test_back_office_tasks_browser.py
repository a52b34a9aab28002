"""The tasks of every day in a real browser, each in at most four clicks from the first page.

Others are where their subject is: approval by a second person in test_credit_approvals_browser.py, unlocking and the
timeline in test_customer_page_browser.py.
"""

from typing import Any

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Task
from tests.support.people import PASSWORD, Person, verified
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

WHY = "A call now would be refused: the scope reports:write is missing."
FACTORS = "/api/v1/auth/second-factors"


def _verdict(client: httpx.Client, service: dict[str, str], secret: str, **call: Any) -> str:
    response = client.post("/api/v1/keys/verify", json={"key": secret, **call}, headers=service)
    assert response.status_code == 200, response.text
    return str(response.json()["code"])


def _reason(page: Page, words: str) -> None:
    page.get_by_label("Reason").fill(words)


def test_key_is_found_by_its_secret(page: Page, person: Person):
    key = person.create_key(name="lost and found")
    with Task(page) as task:
        task.find(key["api_key"])
        expect(page.get_by_role("heading", name="lost and found")).to_be_visible()
        expect(page.locator("#key-answer-heading")).to_contain_text("A call now would be allowed.")


def test_last_refused_call_is_explained(page: Page, person: Person, client: httpx.Client, service: dict[str, str]):
    key = person.create_key(name="laptop", scopes=["reports:read"])
    assert _verdict(client, service, key["api_key"], scopes=["reports:write"]) == "INSUFFICIENT_SCOPES"
    explain = page.get_by_role("button", name="Explain")
    for _ in range(30):  # the refused call is written within seconds
        with Task(page) as task:
            task.find(person.email)
            if explain.count() == 0:
                page.wait_for_timeout(500)
                continue
            task.click(explain.first)
            expect(page.locator("#key-answer-heading")).to_contain_text(WHY)
            return
    raise AssertionError("the refused call is not shown")


def test_key_is_rotated_with_grace_and_copied(
    page: Page, person: Person, client: httpx.Client, service: dict[str, str]
):
    key = person.create_key(name="turning")
    with Task(page) as task:
        task.find(f"key:{key['id']}")
        task.link("Rotate")
        task.click(page.get_by_label("for 1 more hour"))
        _reason(page, "leaked in a log")
        task.button("Rotate")
        secret = page.locator("#secret").inner_text()
        task.button("Copy")
        expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert [_verdict(client, service, each) for each in (key["api_key"], secret)] == ["VALID", "VALID"]


def test_key_is_extended(page: Page, person: Person):
    key = person.create_key(name="expiring", expires_at="2091-01-01T00:00:00Z")
    with Task(page) as task:
        task.find(f"key:{key['id']}")
        task.link("Extend")
        task.click(page.get_by_label("90 days"))
        _reason(page, "asked by mail")
        task.button("Extend")
        expect(page.locator(".key-checks")).to_contain_text("The key expires on 2091-04-01 at 00:00 UTC.")


def test_customer_is_suspended_and_reactivated(
    page: Page, person: Person, client: httpx.Client, service: dict[str, str]
):
    key = person.create_key()
    for label, words, verdict in (("Suspend", "Suspended by", "FORBIDDEN"), ("Reactivate", "Active", "VALID")):
        with Task(page) as task:
            task.find(person.email)
            task.link(label)
            _reason(page, "a chargeback")
            task.button(label)
            expect(page.locator(".customer-state")).to_contain_text(words)
        assert _verdict(client, service, key["api_key"]) == verdict


def test_plan_is_changed(page: Page, person: Person):
    with Task(page) as task:
        task.find(person.email)
        task.link("Change plan")
        task.choose("New plan", "pro")
        _reason(page, "has paid for it")
        task.button("Change plan")
        expect(page.get_by_text(f"The plan of customer “{person.email}” changed.")).to_be_visible()
        expect(page.locator(".customer-facts")).to_contain_text("pro")
    assert person.client.get("/api/v1/users/me", headers=person.headers).json()["plan"] == "pro"


@pytest.mark.parametrize("all_at_once", [False, True])
def test_sessions_are_ended(page: Page, person: Person, *, all_at_once: bool):
    with Task(page) as task:
        task.find(person.email)
        task.link("Security")
        label = "End all sessions" if all_at_once else "End"
        opener = page.get_by_role("link", name=label if all_at_once else "End the session of")
        task.click(opener)
        _reason(page, "lost the laptop")
        task.button(label)
        expect(page.get_by_text("The owner is not signed in.")).to_be_visible()
    assert page.url.endswith(f"/admin/customers/{person.id}/security/")
    assert person.client.get("/api/v1/users/me", headers=person.headers).status_code == 401


def test_second_factor_is_removed(page: Page, person: Person, server: Server):
    verified(server, person)
    secret = person.client.post(f"{FACTORS}/totp", headers=person.headers).json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    assert person.client.post(f"{FACTORS}/totp/confirm", json=code, headers=person.headers).status_code == 200
    with Task(page) as task:
        task.find(person.email)
        task.link("Security")
        task.link("Remove the authenticator app")
        _reason(page, "lost the phone, and has shown an identity card")
        task.button("Remove the authenticator app")
        expect(page.get_by_text("The account has no second factor.")).to_be_visible()
    login = {"email": person.email, "password": PASSWORD}
    assert person.client.post("/api/v1/auth/login", json=login).status_code == 200

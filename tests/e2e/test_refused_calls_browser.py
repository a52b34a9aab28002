"""Staff say in a real browser why a call failed: on the key's page, by trying it again, and by its request id."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.people import Person

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

WHY = "A call now would be refused: the scope reports:write is missing."


def _refused(client: httpx.Client, service: dict[str, str], key: dict[str, Any], **call: Any) -> str:
    body = {"key": key["api_key"], **call}
    verdict = client.post("/api/v1/keys/verify", json=body, headers=service).json()
    assert verdict["valid"] is False
    return str(verdict["request_id"])


def test_why_the_last_call_failed(page: Page, person: Person, client: httpx.Client, service: dict[str, str]):
    key = person.create_key(name="laptop", scopes=["reports:read"], ip_allowlist=["192.0.2.0/24"])
    call = {"scopes": ["reports:write"], "ip": "192.0.2.7"}
    _refused(client, service, key, cost="2.5", **call)
    request_id = _refused(client, service, key, cost="0.5", **call)
    page.goto(f"/admin/api_keys/apikey/{key['id']}/change/")
    heading = page.locator("#key-answer-heading")
    expect(heading).to_contain_text("A call now would be allowed.")
    _until_samples_are_written(page, request_id)
    page.get_by_role("row").filter(has_text=request_id).get_by_role("button", name="Would it pass now?").click()
    expect(heading).to_contain_text(WHY)
    failed = page.locator(".key-checks tr").filter(has_text="fail")
    expect(failed).to_contain_text(["The scope reports:write is missing.", "The balance is too low."])
    page.locator("#try_scopes").fill("reports:read")
    page.locator("#try_cost").fill("0")
    page.get_by_role("button", name="Try the call").click()
    expect(heading).to_contain_text("A call now would be allowed.")
    page.goto("/admin/calls/")
    page.get_by_label("Request id").fill(request_id)
    page.get_by_role("button", name="Find").click()
    found = page.get_by_role("row").filter(has_text="INSUFFICIENT_SCOPES")
    expect(found).to_contain_text("the scope reports:write is missing")
    assert request_id not in page.url
    found.get_by_role("link", name=f"key {key['id']}").click()
    expect(heading).to_contain_text("A call now would be allowed.")


def _until_samples_are_written(page: Page, request_id: str) -> None:
    row = page.get_by_role("row").filter(has_text=request_id)
    for _ in range(30):  # the job of either worker writes once a second
        if row.count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError("the refused call is not shown")


def test_key_is_extended_by_a_form_that_is_sent_once(page: Page, person: Person):
    key = person.create_key(name="expiring", expires_at="2091-01-01T00:00:00Z")
    page.goto(f"/admin/api_keys/apikey/{key['id']}/change/")
    page.get_by_role("link", name="Extend").click()
    page.get_by_label("90 days").check()
    page.get_by_label("Reason").fill("asked for by mail")
    page.get_by_role("button", name="Extend").dblclick()
    expect(page.get_by_text("“expiring” extended.")).to_be_visible()
    expect(page.locator(".key-checks")).to_contain_text("The key expires on 2091-04-01 at 00:00 UTC.")
    page.reload()
    expect(page.locator(".key-checks")).to_contain_text("The key expires on 2091-04-01 at 00:00 UTC.")

"""Take the pictures of docs/images of a running Keyhouse: `make screenshots`."""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, ViewportSize

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.browser import sign_in_to_admin, started_chromium
from tests.support.people import PASSWORD
from tests.support.server import PROJECT, Server, separate_database, start_server
from tests.support.staff import Staff, staff_of

IMAGES = PROJECT / "docs" / "images"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
COMPANIES = ("Northwind Maps", "Blue Harbor Weather", "Copper Leaf Studio", "Tall Pine Logistics", "Quiet River Media")


@dataclass(frozen=True)
class Scene:
    """What the pictures show."""

    customer_id: int
    key_id: int


def main() -> None:
    """Serve a filled Keyhouse on a database of its own, and write every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres") as postgres:
        os.environ["DATABASE_URL"] = postgres.url
        with (
            separate_database(postgres.url, "keyhouse_screenshots") as database_url,
            start_server(database_url, Path(folder) / "server", CREDIT_APPROVAL_ABOVE="500") as server,
            started_chromium() as chromium,
        ):
            _take_all(chromium, server, _fill(server))


def _fill(server: Server) -> Scene:
    with staff_of(server, server.administrator_password) as staff:
        customers = [_make_customer(staff, company) for company in COMPANIES]
        first = customers[0]["id"]
        keys = [_make_key(staff, first, "laptop", budget="5"), _make_key(staff, first, "production")]
        with server.client(headers={"X-API-Key": server.service_key}) as service:
            _call(service, keys)
        staff.call(
            "POST", f"/users/{first}/credits", amount="750", type="goodwill", description="For the outage of May"
        )
        staff.call("POST", f"/users/{first}/notes", text="Moves to yearly billing in January; ask Dana first.")
        staff.call("PATCH", f"/users/{customers[3]['id']}", is_active=False, reason="chargeback of November")
    return Scene(first, keys[0]["id"])


def _make_customer(staff: Staff, company: str) -> dict[str, Any]:
    name = company.lower().replace(" ", "-")
    account = {"email": f"billing@{name}.example", "username": name, "full_name": company, "password": PASSWORD}
    customer: dict[str, Any] = staff.call("POST", "/users", **account)
    staff.call("PATCH", f"/users/{customer['id']}", plan="pro")
    staff.call("POST", f"/users/{customer['id']}/credits", amount="500", description="Invoice 2026-114")
    return customer


def _make_key(staff: Staff, user_id: int, name: str, **bounds: str) -> dict[str, Any]:
    key: dict[str, Any] = staff.call(
        "POST", f"/users/{user_id}/api-keys", name=name, scopes=["maps:read", "tiles:read"], **bounds
    )
    return key


def _call(service: httpx.Client, keys: list[dict[str, Any]]) -> None:
    """Verify the keys as a service does, a few times beyond what they may."""
    for number in range(40):
        _verify(service, keys[number % 2], cost="0.4", scopes=["tiles:read"])
    _verify(service, keys[1], cost="0.4", scopes=["maps:write"])
    _verify(service, keys[0], cost="0.4", scopes=["tiles:read"], request_id="8f2c41d7")


def _verify(service: httpx.Client, key: dict[str, Any], **query: Any) -> None:
    service.post("/api/v1/keys/verify", json={"key": key["api_key"], **query}).raise_for_status()


def _take_all(chromium: Browser, server: Server, scene: Scene) -> None:
    time.sleep(3)  # samples of refusals are written once a second
    context = chromium.new_context(base_url=server.url, viewport=DESKTOP, device_scale_factor=1)
    page = context.new_page()
    sign_in_to_admin(page, server)
    for name, address in _addresses(scene).items():
        _take(page, address, name)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    _take(page, f"/admin/customers/{scene.customer_id}/", "customer-phone")
    context.close()


def _addresses(scene: Scene) -> dict[str, str]:
    return {
        "home": "/admin/",
        "customer": f"/admin/customers/{scene.customer_id}/",
        "key": f"/admin/api_keys/apikey/{scene.key_id}/change/",
        "approvals": "/admin/credits/creditapproval/",
    }


def _take(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()

"""A browser that uses the admin through the whole ASGI application."""

import json
import re
from html import unescape
from typing import Any

import httpx

from config.asgi import application
from tests.support.factories import PASSWORD

LOGIN = "/admin/login/"
HOME = "/admin/"
SECOND_STEP = "/admin/login/second-step/"
REAUTHENTICATION = "/admin/proof/"
FACTORS = "/admin/second-factors/"
SESSION_COOKIE = "staff_session"
STEP_COOKIE = "staff_second_step"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
BASE_URL = "http://keyhouse.localhost"


def browser_at(address: str = "127.0.0.1") -> httpx.AsyncClient:
    """Return a browser with cookies and this address."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(application, client=(address, 7)), base_url=BASE_URL)


async def submit(browser: httpx.AsyncClient, page: str, to: str = "", **fields: str) -> httpx.Response:
    """Open the page and submit its form, to the URL `to` if given."""
    found = TOKEN.search((await browser.get(page)).text)
    assert found
    return await browser.post(to or page, data={"csrfmiddlewaretoken": found[1], **fields})


async def sign_in(
    browser: httpx.AsyncClient, email: str, password: str = PASSWORD, page: str = LOGIN
) -> httpx.Response:
    """Submit the form of the sign-in page."""
    return await submit(browser, page, username=email, password=password)


async def sign_in_again(browser: httpx.AsyncClient, email: str) -> httpx.Response:
    """Submit the form of the sign-in page although a user is signed in, who cannot open the page."""
    return await submit(browser, HOME, LOGIN, username=email, password=PASSWORD)


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    """Return whether the browser can open the admin."""
    response = await browser.get(HOME)
    assert (response.status_code, response.headers.get("location", "")) in {(200, ""), (302, f"{LOGIN}?next={HOME}")}
    return response.status_code == 200


def refusals_of(response: httpx.Response) -> list[str]:
    """Return the errors on the sign-in page."""
    return [unescape(" ".join(text.split())) for text in re.findall(r'class="errornote">([^<]*)<', response.text)]


def passkey_options(response: httpx.Response) -> dict[str, Any]:
    """Return the passkey options on the page."""
    found = re.search(r'data-options="([^"]*)"', response.text)
    assert found
    options: dict[str, Any] = json.loads(unescape(found[1]))
    return options


def passkey_fields(response: httpx.Response, credential: dict[str, Any]) -> dict[str, str]:
    """Return the fields that the page's script submits for the credential."""
    found = re.search(r'name="challenge" value="([^"]*)"', response.text)
    token = TOKEN.search(response.text)
    assert found
    assert token
    return {"csrfmiddlewaretoken": token[1], "challenge": found[1], "credential": json.dumps(credential)}

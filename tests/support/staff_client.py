"""Browsers of the admin, through the whole ASGI application."""

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
    """Return a browser that keeps its cookies and comes from this address."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(application, client=(address, 7)), base_url=BASE_URL)


async def submit(browser: httpx.AsyncClient, page: str, to: str = "", **fields: str) -> httpx.Response:
    """Open the page and submit a form of it, to another URL if one is given."""
    found = TOKEN.search((await browser.get(page)).text)
    assert found
    return await browser.post(to or page, data={"csrfmiddlewaretoken": found[1], **fields})


async def follow(browser: httpx.AsyncClient, response: httpx.Response) -> httpx.Response:
    """Open the page that a form has led to."""
    assert response.status_code == 302
    return await browser.get(response.headers["location"])


async def sign_in(
    browser: httpx.AsyncClient, email: str, password: str = PASSWORD, page: str = LOGIN
) -> httpx.Response:
    """Submit the form of the login page."""
    return await submit(browser, page, username=email, password=password)


async def sign_in_again(browser: httpx.AsyncClient, email: str) -> httpx.Response:
    """Submit it from a browser that is signed in already, to which the page is not shown."""
    return await submit(browser, HOME, LOGIN, username=email, password=PASSWORD)


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    """Return whether the browser has access to the admin."""
    answer = await browser.get(HOME)
    assert (answer.status_code, answer.headers.get("location", "")) in {(200, ""), (302, f"{LOGIN}?next={HOME}")}
    return answer.status_code == 200


def refusals_of(response: httpx.Response) -> list[str]:
    """Return the errors that the sign-in page shows."""
    return [unescape(" ".join(text.split())) for text in re.findall(r'class="errornote">([^<]*)<', response.text)]


def passkey_options(response: httpx.Response) -> dict[str, Any]:
    """Return the options with which the page asks the browser for a passkey."""
    found = re.search(r'data-options="([^"]*)"', response.text)
    assert found
    options: dict[str, Any] = json.loads(unescape(found[1]))
    return options


def passkey_fields(response: httpx.Response, credential: dict[str, Any]) -> dict[str, str]:
    """Return the fields that the page's script submits for this credential of the browser."""
    found = re.search(r'name="challenge" value="([^"]*)"', response.text)
    token = TOKEN.search(response.text)
    assert found
    assert token
    return {"csrfmiddlewaretoken": token[1], "challenge": found[1], "credential": json.dumps(credential)}

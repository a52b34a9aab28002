"""Adding second factors to one's own account in the admin."""

import re
from typing import Any

import httpx

from tests.support.accounts import Account, superuser
from tests.support.factories import PASSWORD
from tests.support.second_factors import Authenticator
from tests.support.software_authenticator import SoftwareAuthenticator
from tests.support.staff_client import (
    FACTORS,
    browser_at,
    follow,
    passkey_fields,
    passkey_options,
    sign_in,
    submit,
)

TOTP, PASSKEY = f"{FACTORS}totp/", f"{FACTORS}passkey/"
KEY = re.compile(r'id="totp-key"[^>]*>([A-Z2-7]{32})<')
SEALED = re.compile(r'name="sealed_key" value="([^"]+)"')
CODE = re.compile(r"<code>([0-9A-Z-]{27})</code>")


async def signed_in(api: httpx.AsyncClient) -> tuple[httpx.AsyncClient, Account]:
    """Return a browser in which a superuser without second factors has just signed in."""
    me, browser = await superuser(password=PASSWORD), browser_at()
    assert (await sign_in(browser, me.user.email)).status_code == 302
    return browser, me


async def add_app(browser: httpx.AsyncClient) -> tuple[Authenticator, httpx.Response]:
    """Add an authenticator app, and return it with the response to its first code."""
    shown = await follow(browser, await submit(browser, FACTORS, TOTP))
    assert (shown.status_code, shown.headers["cache-control"].partition(",")[0]) == (200, "no-store")
    found = KEY.search(shown.text)
    assert found
    assert 'src="data:image/svg+xml' in shown.text
    app = Authenticator(found[1])
    confirmed = await submit(browser, FACTORS, TOTP, code=app.code())
    return app, await follow(browser, confirmed) if confirmed.status_code == 302 else confirmed


async def add_passkey(
    browser: httpx.AsyncClient, name: str = "laptop", **device: Any
) -> tuple[SoftwareAuthenticator, httpx.Response]:
    """Add a passkey, and return its authenticator with the response."""
    authenticator, page = SoftwareAuthenticator(**device), await browser.get(PASSKEY)
    fields = passkey_fields(page, authenticator.create(passkey_options(page)))
    added = await browser.post(PASSKEY, data={**fields, "name": name})
    is_first = added.headers.get("location", FACTORS) != FACTORS
    return authenticator, await follow(browser, added) if is_first else added

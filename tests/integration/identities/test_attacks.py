"""Attacks on the way to a provider and back: none signs in, and none creates an account."""

import asyncio
from datetime import timedelta
from urllib.parse import quote, urlencode

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.identities.models import Identity
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from config.asgi import application
from tests.support.assertions import assert_error
from tests.support.orm import make, rows, run_in_transaction
from tests.support.sign_in_flow import OWN_URL, RETURN_TO, Browser, error_of, fragment_of, person, query_of

INVALID = "PROVIDER_ANSWER_INVALID"


async def nothing_happened() -> bool:
    """Return whether there is no account, no identity and no session."""
    return [len(await rows(model.objects.all())) for model in (User, Identity, Session)] == [0, 0, 0]


def another(account: dict | None = None) -> Browser:
    """Return the browser of another person."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url=OWN_URL)
    return Browser(client, account or person("mallory", "mallory@example.com"))


def changed(url: str, **changes: str | None) -> str:
    """Return the callback with other parameters, or without some."""
    query = {name: value for name, value in {**query_of(url), **changes}.items() if value is not None}
    return f"{url.partition('?')[0]}?{urlencode(query)}"


async def test_callback_is_valid_once(browser: Browser):
    url = await browser.callback()
    cookies = dict(browser.keyhouse.cookies)
    assert "code" in fragment_of(await browser.keyhouse.get(url))
    browser.keyhouse.cookies.update(cookies)
    assert_error(await browser.keyhouse.get(url), 400, "INVALID_STATE")
    assert await nothing_happened()


async def test_concurrent_callbacks_are_valid_once(browser: Browser):
    url = await browser.callback()
    answers = await asyncio.gather(*(browser.keyhouse.get(url) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400, 400]


async def test_code_is_redeemed_once(browser: Browser):
    code = (await browser.land())["code"]
    answers = await asyncio.gather(*(browser.redeem(code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert len(await rows(Session.objects.all())) == 1
    assert_error(await browser.redeem(code), 400, "INVALID_TOKEN")


async def test_code_expires_after_a_minute(browser: Browser):
    code = (await browser.land())["code"]
    await make(OneTimeToken.objects.filter(purpose="oauth_code").update, expires_at=Now() - timedelta(seconds=1))
    assert_error(await browser.redeem(code), 400, "INVALID_TOKEN")
    assert await nothing_happened()


async def test_stolen_code_is_refused_without_the_verifier(browser: Browser):
    code = (await browser.land())["code"]
    assert_error(await browser.redeem(code, verifier="w" * 43), 400, "INVALID_TOKEN")
    assert_error(await browser.redeem(code), 400, "INVALID_TOKEN")
    assert await nothing_happened()


@pytest.mark.parametrize(
    "return_to",
    [
        "https://evil.example.com/account/signed-in",
        f"{RETURN_TO}/",
        f"{RETURN_TO}?next=https://evil.example.com",
        f"{RETURN_TO}#code=1",
        "https://app.example.com@evil.example.com/account/signed-in",
        "https://app.example.com/account/signed-in/../../open",
        "https://APP.example.com/account/signed-in",
        "//app.example.com/account/signed-in",
        "/account/signed-in",
        "javascript:alert(1)",
        "",
    ],
)
async def test_open_redirect_is_refused(browser: Browser, return_to: str):
    refused = await browser.start(return_to=return_to)
    assert_error(refused, 422, "VALIDATION_FAILED", "return_to")
    assert "location" not in refused.headers
    assert await rows(OneTimeToken.objects.all()) == []


async def test_forged_callback_does_not_redirect(browser: Browser):
    for query in ("code=1&state=unknown", "error=access_denied&state=unknown", "code=1", "state=&code=1"):
        refused = await browser.keyhouse.get(f"/api/v1/auth/oauth/acme/callback?{query}")
        assert refused.status_code in {400, 422}
        assert "location" not in refused.headers
    assert await nothing_happened()


async def test_callback_planted_in_another_browser_is_refused(browser: Browser):
    """Else the victim would be signed in as the attacker (CSRF, session fixation)."""
    planted = await another().callback()
    assert_error(await browser.keyhouse.get(planted), 400, "INVALID_STATE")
    await browser.start()  # a victim who is on the way themselves has a cookie, of another state
    again = await another().callback()
    assert_error(await browser.keyhouse.get(again), 400, "INVALID_STATE")
    assert await nothing_happened()


async def test_planted_cookie_of_the_right_name_is_refused(browser: Browser):
    url = await browser.callback()
    (cookie,) = browser.keyhouse.cookies.jar
    victim = another()
    victim.keyhouse.cookies.set(cookie.name, "a secret that is not the one")
    assert_error(await victim.keyhouse.get(url), 400, "INVALID_STATE")


async def test_code_planted_in_the_application_is_refused(browser: Browser):
    """The attacker's code does not match the verifier of the victim's application, which is not signed in by it."""
    attacker = another()
    attacker.verifier = "a" * 43
    code = (await attacker.land())["code"]
    assert_error(await browser.redeem(code), 400, "INVALID_TOKEN")
    assert await nothing_happened()


async def test_code_of_another_sign_in_is_refused_by_the_provider(browser: Browser):
    """The provider refuses it: it was given for another PKCE challenge."""
    stolen = query_of(await browser.callback())["code"]
    attacker = another()
    url = changed(await attacker.callback(), code=stolen)
    assert error_of(await attacker.keyhouse.get(url)) == "PROVIDER_REFUSED"
    assert await nothing_happened()


async def test_mix_up_of_callbacks_is_refused(browser: Browser):
    url = (await browser.callback("acme")).replace("/oauth/acme/", "/oauth/mallory/")
    assert_error(await browser.keyhouse.get(url), 400, "INVALID_STATE")
    assert await nothing_happened()


async def test_mix_up_of_issuers_is_refused(browser: Browser, providers):
    for iss in (providers["mallory"].issuer, f"{providers['acme'].issuer}/", "", None):
        url = changed(await browser.callback("acme"), iss=iss)
        assert error_of(await browser.keyhouse.get(url)) == INVALID
    assert await nothing_happened()


async def test_same_subject_at_another_provider_is_another_person(browser: Browser):
    assert (await browser.sign_in("acme")).status_code == 200
    browser.account = person("alice", "alice-of-mallory@example.com")
    assert (await browser.sign_in("mallory")).status_code == 200
    identities = await rows(Identity.objects.order_by("id"))
    assert [identity.subject for identity in identities] == ["alice", "alice"]
    assert len({identity.user_id for identity in identities}) == 2


async def test_callback_with_a_repeated_parameter_is_refused(browser: Browser):
    url = await browser.callback()
    for more in ("&code=1", "&state=1", f"&iss={quote('https://evil.example.com')}"):
        assert_error(await browser.keyhouse.get(url + more), 400, "MALFORMED_REQUEST")
    assert await nothing_happened()


async def test_code_beside_an_error_is_not_used(browser: Browser):
    url = changed(await browser.callback(), error="server_error")
    assert error_of(await browser.keyhouse.get(url)) == "PROVIDER_UNAVAILABLE"


async def test_error_of_a_provider_is_not_echoed(browser: Browser, caplog):
    """It is logged as one short line, whatever it contains."""
    forged = "<blink>\r\n2026 ERROR forged\x1b[2J\u202e\u200b " + "x" * 5000
    url = changed(await browser.callback(), error=forged, error_description=forged, code=None)
    answer = await browser.keyhouse.get(url)
    assert error_of(answer) == "PROVIDER_REFUSED"
    assert "blink" not in answer.text + answer.headers["location"]
    (record,) = [record for record in caplog.records if record.name == "keyhouse.identities"]
    assert record.getMessage().isprintable()
    assert record.getMessage().startswith("sign-in with acme: PROVIDER_REFUSED (<blink> 2026 ERROR forged [2J")
    assert len(record.getMessage()) < 500


async def test_state_expires_after_ten_minutes(browser: Browser):
    url = await browser.callback()
    await make(OneTimeToken.objects.filter(purpose="oauth_state").update, expires_at=Now() - timedelta(seconds=1))
    assert_error(await browser.keyhouse.get(url), 400, "INVALID_STATE")


async def test_host_header_does_not_change_the_callback(browser: Browser):
    for headers in ({"Host": "evil.localhost"}, {"X-Forwarded-Host": "evil.example.com", "Forwarded": "host=evil"}):
        query = {"return_to": RETURN_TO, "code_challenge": "c" * 43}
        started = await browser.keyhouse.get("/api/v1/auth/oauth/acme/start", params=query, headers=headers)
        assert query_of(started.headers["location"])["redirect_uri"] == f"{OWN_URL}/api/v1/auth/oauth/acme/callback"


async def test_stored_values_complete_no_sign_in(browser: Browser):
    """Neither the state, the cookie, the nonce, the verifier nor the code, nor any token, stands in the database."""
    started = await browser.start()
    sent = query_of(started.headers["location"])
    (cookie,) = browser.keyhouse.cookies.jar
    url = await browser.visit_provider(started.headers["location"])
    code = fragment_of(await browser.keyhouse.get(url))["code"]
    stored = await run_in_transaction(_stored)
    secrets = [sent["state"], sent["nonce"], cookie.value, code, query_of(url)["code"]]
    assert [secret for secret in secrets if secret and secret in stored] == []
    await browser.redeem(code)
    assert "access_token" not in await run_in_transaction(_stored)


async def test_verifier_as_its_own_challenge_is_refused(browser: Browser):
    """The method `plain` (RFC 7636, 4.2): whoever sees the request could redeem the code."""
    code = (await browser.land(code_challenge=browser.verifier))["code"]
    assert_error(await browser.redeem(code), 400, "INVALID_TOKEN")
    assert await nothing_happened()


async def test_plain_challenge_is_refused(browser: Browser):
    assert_error(await browser.start(code_challenge="short"), 422, "VALIDATION_FAILED", "code_challenge")


def _stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(entry::text, ' ') FROM one_time_tokens AS entry")
        tokens = cursor.fetchone()[0] or ""
        cursor.execute("SELECT string_agg(entry::text, ' ') FROM identities AS entry")
        return str(tokens) + str(cursor.fetchone()[0] or "")

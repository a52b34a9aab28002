"""Signing in with a provider, the whole way, at a real one."""

from urllib.parse import urlsplit

import httpx
import pytest

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.assertions import assert_error
from tests.support.openid_provider import ALGORITHMS
from tests.support.orm import rows
from tests.support.sign_in_flow import OWN_URL, RETURN_TO, Browser, error_of, fragment_of, query_of


async def test_providers_are_listed_with_labels(browser: Browser):
    answer = await browser.keyhouse.get("/api/v1/auth/oauth/providers")
    assert answer.status_code == 200
    assert answer.json()["items"][:2] == [{"name": "acme", "label": "Acme"}, {"name": "mallory", "label": "Mallory"}]


async def test_start_redirects_to_the_provider(browser: Browser, providers):
    started = await browser.start()
    assert started.status_code == 303
    url = urlsplit(started.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{providers['acme'].issuer}/auth"
    query = query_of(started.headers["location"])
    assert {name: query[name] for name in ("response_type", "client_id", "redirect_uri", "code_challenge_method")} == {
        "response_type": "code",
        "client_id": "keyhouse-tests",
        "redirect_uri": f"{OWN_URL}/api/v1/auth/oauth/acme/callback",
        "code_challenge_method": "S256",
    }
    assert query["scope"] == "openid email profile"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    (cookie,) = started.headers.get_list("set-cookie")
    assert cookie.startswith("keyhouse-oauth-")
    assert cookie.endswith("HttpOnly; Max-Age=600; Path=/; SameSite=Lax")


async def test_first_sign_in_creates_an_account(browser: Browser):
    signed_in = await browser.sign_in()
    assert signed_in.status_code == 200, signed_in.text
    me = await browser.keyhouse.get(
        "/api/v1/users/me", headers={"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    )
    assert (me.json()["email"], me.json()["full_name"]) == ("alice@example.com", "Alice Hand")
    (user,) = await rows(User.objects.all())
    (identity,) = await rows(Identity.objects.all())
    (session,) = await rows(Session.objects.all())
    assert user.email_verified_at is not None
    assert (identity.user_id, identity.provider, identity.subject, identity.email) == (
        user.pk, "acme", "alice", "alice@example.com",
    )  # fmt: skip
    assert session.methods == ["fed"]
    events = await rows(AuditEvent.objects.order_by("id"))
    assert [event.action for event in events] == ["user.created", "identity.linked", "session.started"]
    assert {event.actor_id for event in events} == {user.pk}


async def test_later_sign_in_leads_to_the_same_account(browser: Browser):
    await browser.sign_in()
    browser.account = {"sub": "alice", "email": "moved@example.com", "email_verified": False}
    assert (await browser.sign_in()).status_code == 200
    (user,) = await rows(User.objects.all())
    (identity,) = await rows(Identity.objects.all())
    assert (user.email, identity.email) == ("alice@example.com", "moved@example.com")
    assert len(await rows(Session.objects.all())) == 2


async def test_sign_ins_in_two_tabs_both_complete(browser: Browser):
    first, second = await browser.callback(), await browser.callback()
    for url in (first, second):
        assert "code" in fragment_of(await browser.keyhouse.get(url))


async def test_callback_deletes_the_cookie(browser: Browser):
    back = await browser.keyhouse.get(await browser.callback())
    (cookie,) = back.headers.get_list("set-cookie")
    assert cookie.startswith("keyhouse-oauth-")
    assert "Max-Age=0" in cookie
    assert not list(browser.keyhouse.cookies.jar)


async def test_cookie_has_the_host_prefix_with_https(browser: Browser, settings):
    settings.PUBLIC_URL = "https://keyhouse.localhost"
    (cookie,) = (await browser.start()).headers.get_list("set-cookie")
    assert cookie.startswith("__Host-keyhouse-oauth-")
    assert cookie.endswith("HttpOnly; Max-Age=600; Path=/; SameSite=Lax; Secure")
    assert "domain" not in cookie.lower()


async def test_cancelled_sign_in_returns_access_denied_and_logs_the_reason(browser: Browser, caplog):
    browser.denies = True
    assert await browser.land() == {
        "error": "ACCESS_DENIED",
        "error_description": "The sign-in was cancelled at the provider. Start it again.",
    }
    assert await rows(User.objects.all()) == []
    assert 'sign-in with acme: ACCESS_DENIED (access_denied "The user chose Cancel")' in caplog.text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_provider_may_sign_by_other_algorithms(browser: Browser, algorithm: str):
    assert (await browser.sign_in(algorithm)).status_code == 200


async def test_unavailable_provider_returns_its_code(browser: Browser):
    assert error_of(await browser.start("unavailable")) == "PROVIDER_UNAVAILABLE"


async def test_wrong_client_secret_is_logged_and_refused(browser: Browser, caplog):
    assert (await browser.land("wrong"))["error"] == "PROVIDER_REFUSED"
    assert "sign-in with wrong: PROVIDER_REFUSED (invalid_client)" in caplog.text
    assert "another" not in caplog.text


async def test_unknown_provider_is_not_found(browser: Browser):
    assert_error(await browser.start("unknown"), 404, "NOT_FOUND")


async def test_closed_registration_is_refused(browser: Browser, settings):
    settings.REGISTRATION = "off"
    assert_error(await browser.sign_in(), 403, "REGISTRATION_CLOSED")
    assert await rows(User.objects.all()) == []
    assert await rows(Identity.objects.all()) == []


async def test_empty_list_without_providers(api: httpx.AsyncClient):
    assert (await api.get("/api/v1/auth/oauth/providers")).json() == {"items": []}
    assert_error(
        await api.get("/api/v1/auth/oauth/acme/start", params={"return_to": RETURN_TO, "code_challenge": "c" * 43}),
        404,
        "NOT_FOUND",
    )

"""While the cache of the rate limits is unavailable, the admin checks no password and no second factor."""

import httpx
import pytest
from pytest_django.fixtures import Settings

from apps.authentication.models import Session
from config.environment.rate_limits import cache_settings
from tests.support.accounts import superuser
from tests.support.factories import PASSWORD
from tests.support.orm import rows
from tests.support.second_factors import enrol_totp
from tests.support.staff_client import LOGIN, REAUTHENTICATION, SECOND_STEP, browser_at, refusals_of, sign_in, submit

pytestmark = pytest.mark.integration

UNAVAILABLE = "The cache is unavailable. Retry shortly."
UNREACHABLE = "redis://127.0.0.1:1/0"


def make_cache_unavailable(settings: Settings) -> None:
    settings.CACHE_URL = UNREACHABLE
    settings.CACHES = {"default": cache_settings(UNREACHABLE)}


def assert_unavailable(response: httpx.Response) -> None:
    assert (response.status_code, response.headers["retry-after"], refusals_of(response)) == (503, "1", [UNAVAILABLE])


async def test_no_step_of_sign_in_is_checked_without_the_cache(api: httpx.AsyncClient, settings: Settings):
    me, browser = await superuser(password=PASSWORD), browser_at()
    app, _ = await enrol_totp(api, me)
    await sign_in(browser, me.user.email)
    make_cache_unavailable(settings)
    assert_unavailable(await submit(browser, SECOND_STEP, code=app.code()))
    assert_unavailable(await sign_in(browser_at(), me.user.email, page=LOGIN))
    assert await rows(Session.objects.filter(kind=Session.Kind.ADMIN)) == []


async def test_no_reauthentication_is_checked_without_the_cache(database, settings: Settings):
    me, browser = await superuser(password=PASSWORD), browser_at()
    await sign_in(browser, me.user.email)
    (before,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    make_cache_unavailable(settings)
    assert_unavailable(await submit(browser, REAUTHENTICATION, password=PASSWORD))
    (after,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    assert after.authenticated_at == before.authenticated_at

"""At the staff door nothing passes uncounted either while the cache that limits are counted in is away."""

import httpx
import pytest
from pytest_django.fixtures import Settings

from apps.authentication.models import Session
from config.environment.cache_url import cache_settings
from tests.support.accounts import superuser
from tests.support.factories import PASSWORD
from tests.support.orm import rows
from tests.support.second_factors import enrol_totp
from tests.support.staff_client import LOGIN, REAUTHENTICATION, SECOND_STEP, browser_at, refusals_of, sign_in, submit

pytestmark = pytest.mark.integration

UNAVAILABLE = "The cache is unavailable. Retry shortly."
NOWHERE = "redis://127.0.0.1:1/0"


def take_the_cache_away(settings: Settings) -> None:
    settings.CACHE_URL = NOWHERE
    settings.CACHES = {"default": cache_settings(NOWHERE)}


def assert_unavailable(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.headers["retry-after"], refusals_of(answer)) == (503, "1", [UNAVAILABLE])


async def test_neither_step_is_judged(api: httpx.AsyncClient, settings: Settings):
    me, browser = await superuser(password=PASSWORD), browser_at()
    program, _ = await enrol_totp(api, me)
    await sign_in(browser, me.user.email)
    take_the_cache_away(settings)
    assert_unavailable(await submit(browser, SECOND_STEP, code=program.code()))
    assert_unavailable(await sign_in(browser_at(), me.user.email, page=LOGIN))
    assert await rows(Session.objects.filter(kind=Session.Kind.ADMIN)) == []


async def test_no_proof_is_judged(database, settings: Settings):
    me, browser = await superuser(password=PASSWORD), browser_at()
    await sign_in(browser, me.user.email)
    (before,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    take_the_cache_away(settings)
    assert_unavailable(await submit(browser, REAUTHENTICATION, password=PASSWORD))
    (after,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    assert after.authenticated_at == before.authenticated_at

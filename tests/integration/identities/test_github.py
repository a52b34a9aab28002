"""Signing in with GitHub, which speaks OAuth 2.0 and no OpenID Connect."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from apps.identities.domain.provider import Provider, ProviderKind
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.assertions import assert_error
from tests.support.configured_providers import configured_providers
from tests.support.github_stand_in import CLIENT_ID, CLIENT_SECRET, GitHubStandIn, github_stand_in
from tests.support.orm import rows
from tests.support.sign_in_flow import OWN_URL, Browser, error_of, query_of

PRIMARY = {"email": "octocat@example.com", "primary": True, "verified": True, "visibility": "public"}
SECOND = {"email": "second@example.com", "primary": False, "verified": True, "visibility": None}


@pytest.fixture
def github(settings) -> Iterator[GitHubStandIn]:
    with github_stand_in() as stand_in:
        stand_in.emails = [SECOND, PRIMARY]
        provider = Provider(
            "github", "GitHub", ProviderKind.GITHUB, stand_in.url, "read:user user:email", CLIENT_ID, CLIENT_SECRET
        )
        with configured_providers(settings, [provider, replace(provider, name="wrong", client_secret="another")]):
            yield stand_in


@pytest.fixture
def browser(github, api: httpx.AsyncClient) -> Browser:
    return Browser(api)


async def test_primary_verified_address_creates_the_account(browser: Browser, github: GitHubStandIn):
    assert (await browser.sign_in("github")).status_code == 200
    (user,) = await rows(User.objects.all())
    (identity,) = await rows(Identity.objects.all())
    assert (user.email, user.full_name) == ("octocat@example.com", "The Octocat")
    assert (identity.issuer, identity.subject) == (github.url, "583231")


async def test_another_login_with_the_same_id_is_the_same_person(browser: Browser, github: GitHubStandIn):
    await browser.sign_in("github")
    github.user = {"id": 583231, "login": "renamed", "name": None}
    github.emails = []
    assert (await browser.sign_in("github")).status_code == 200
    assert len(await rows(User.objects.all())) == 1


async def test_same_login_with_another_id_is_another_person(browser: Browser, github: GitHubStandIn):
    await browser.sign_in("github")
    github.user = {**github.user, "id": 1}
    github.emails = [{**PRIMARY, "email": "other@example.com"}]
    assert (await browser.sign_in("github")).status_code == 200
    assert len(await rows(User.objects.all())) == 2


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [SECOND],
        [{**PRIMARY, "verified": False}, SECOND],
        [{**PRIMARY, "verified": "true"}],
        [PRIMARY] * 2,
        "x",
    ],
)
async def test_only_a_primary_verified_address_counts(browser: Browser, github: GitHubStandIn, emails):
    github.emails = emails
    github.user = {**github.user, "email": "octocat@example.com"}
    assert_error(await browser.sign_in("github"), 403, "PROVIDER_EMAIL_UNVERIFIED")
    assert await rows(User.objects.all()) == []


@pytest.mark.parametrize("user", [{}, {"id": "583231"}, {"id": True}, {"login": "octocat"}])
async def test_user_without_an_id_is_refused(browser: Browser, github: GitHubStandIn, user):
    github.user = user
    assert (await browser.land("github"))["error"] == "PROVIDER_ANSWER_INVALID"


async def test_wrong_client_secret_is_refused(browser: Browser):
    assert (await browser.land("wrong"))["error"] == "PROVIDER_REFUSED"


async def test_code_of_another_sign_in_is_refused(browser: Browser, github: GitHubStandIn):
    stolen = query_of(await browser.callback("github"))["code"]
    url = await browser.callback("github")
    answer = await browser.keyhouse.get(url.replace(query_of(url)["code"], stolen))
    assert error_of(answer) == "PROVIDER_REFUSED"


async def test_response_of_another_issuer_is_refused(browser: Browser, github: GitHubStandIn):
    url = await browser.callback("github")
    answer = await browser.keyhouse.get(f"{url}&iss=https%3A%2F%2Fevil.example.com")
    assert error_of(answer) == "PROVIDER_ANSWER_INVALID"
    assert "/api/v1/auth/oauth/github/callback" in url.removeprefix(OWN_URL)

"""OAUTH_…: each invalid value stops the start with one line that repeats no secret."""

from typing import Any

import pytest

from apps.identities.domain.provider import Provider, ProviderKind
from config.environment import Environment
from config.environment.sign_in_providers import load_providers, providers, redirect_allowlist

pytestmark = pytest.mark.unit

ACME = {
    "OAUTH_ACME_CLIENT_ID": "keyhouse",
    "OAUTH_ACME_CLIENT_SECRET": "s3cret",
    "OAUTH_ACME_ISSUER": "https://acme.example.com/tenant",
}
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "secret_key": "k" * 50,
    "database_url": "postgresql://keyhouse:pw@db/keyhouse",
    "allowed_hosts": "api.example.com",
}


def environment_with(**fields: Any) -> Environment:
    return Environment(**fields)


def configured(names: str, variables: dict[str, str], **fields: Any) -> tuple[Provider, ...]:
    return providers(environment_with(oauth_providers=names, **fields), variables)


def test_no_provider_without_a_name():
    assert configured("", ACME) == ()


def test_openid_provider_is_configured():
    (acme,) = configured("acme", ACME)
    assert acme == Provider(
        "acme",
        "Acme",
        ProviderKind.OPENID,
        "https://acme.example.com/tenant",
        "openid email profile",
        "keyhouse",
        "s3cret",
    )
    assert "s3cret" not in repr(acme)


def test_preset_providers_need_only_id_and_secret():
    names = ("google", "github", "microsoft")
    variables = {f"OAUTH_{name.upper()}_CLIENT_{what}": "x" for name in names for what in ("ID", "SECRET")}
    found = configured("google, github, microsoft", variables)
    assert [(one.label, one.kind, one.issuer) for one in found] == [
        ("Google", ProviderKind.GOOGLE, "https://accounts.google.com"),
        ("GitHub", ProviderKind.GITHUB, "https://github.com"),
        ("Microsoft", ProviderKind.MICROSOFT, "https://login.microsoftonline.com/common/v2.0"),
    ]
    assert found[1].scopes == "read:user user:email"


def test_scopes_label_and_issuer_are_configurable():
    more = {
        "OAUTH_ACME_SCOPES": "openid email",
        "OAUTH_ACME_LABEL": "Acme (staff)",
        "OAUTH_ACME_ISSUER": "https://a.io/",
    }
    (acme,) = configured("acme", {**ACME, **more})
    assert (acme.scopes, acme.label, acme.issuer) == ("openid email", "Acme (staff)", "https://a.io/")


@pytest.mark.parametrize(
    ("names", "changes", "variable"),
    [
        ("acme", {"OAUTH_ACME_CLIENT_ID": ""}, "OAUTH_ACME_CLIENT_ID"),
        ("acme", {"OAUTH_ACME_CLIENT_SECRET": " "}, "OAUTH_ACME_CLIENT_SECRET"),
        ("acme", {"OAUTH_ACME_ISSUER": ""}, "OAUTH_ACME_ISSUER"),
        ("acme", {"OAUTH_ACME_ISSUER": "http://acme.example.com"}, "OAUTH_ACME_ISSUER"),
        ("acme", {"OAUTH_ACME_ISSUER": "https://user:s3cret@acme.example.com"}, "OAUTH_ACME_ISSUER"),
        ("acme", {"OAUTH_ACME_ISSUER": "https://acme.example.com/?s3cret"}, "OAUTH_ACME_ISSUER"),
        ("acme", {"OAUTH_ACME_SCOPES": "email profile"}, "OAUTH_ACME_SCOPES"),
        ("acme", {"OAUTH_ACME_SCOPES": "openid\r\nemail"}, "OAUTH_ACME_SCOPES"),
        ("acme", {"OAUTH_ACME_LABEL": "<b>Acme"}, "OAUTH_ACME_LABEL"),
        ("Acme", {}, "OAUTH_PROVIDERS"),
        ("acme,acme", {}, "OAUTH_PROVIDERS"),
        ("../acme", {}, "OAUTH_PROVIDERS"),
    ],
)
def test_invalid_variable_is_named_without_its_value(monkeypatch, names, changes, variable):
    for name, value in {**ACME, **changes}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load_providers(environment_with(oauth_providers=names))
    message = str(stopped.value.code)
    assert message.startswith(f"keyhouse: {variable}: ")
    assert "\n" not in message
    assert "s3cret" not in message


def test_loopback_issuer_is_for_development_only():
    own = {**ACME, "OAUTH_ACME_ISSUER": "http://127.0.0.1:4000"}
    assert configured("acme", own)[0].issuer == "http://127.0.0.1:4000"
    with pytest.raises(ValueError, match="OAUTH_ACME_ISSUER"):
        configured("acme", own, **PRODUCTION)


def test_redirect_allowlist_is_configured_or_derived():
    application = environment_with(application_url="https://app.example.com", oauth_providers="acme")
    assert redirect_allowlist(application) == {"https://app.example.com/account/signed-in"}
    addresses = "https://app.example.com/in, http://localhost:3000/in"
    environment = environment_with(oauth_redirect_allowlist=addresses)
    assert redirect_allowlist(environment) == {"https://app.example.com/in", "http://localhost:3000/in"}


def test_providers_without_application_page_stop_the_start():
    assert redirect_allowlist(Environment()) == frozenset()
    for own in ({}, {"public_url": "https://id.example.com", "application_url": "https://id.example.com"}):
        with pytest.raises(SystemExit) as stopped:
            redirect_allowlist(environment_with(oauth_providers="acme", **own))
        message = str(stopped.value.code)
        assert message.startswith("keyhouse: OAUTH_REDIRECT_ALLOWLIST: must be set to the URL that sign-ins return to")
        assert "\n" not in message


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example.com/in",
        "https://app.example.com/in?a=b",
        "https://app.example.com/in#a",
        "*",
        "/in",
        "javascript:x",
    ],
)
def test_invalid_redirect_url_stops_the_start(address):
    with pytest.raises(SystemExit, match=r"OAUTH_REDIRECT_ALLOWLIST: entry 1"):
        redirect_allowlist(environment_with(oauth_redirect_allowlist=address))

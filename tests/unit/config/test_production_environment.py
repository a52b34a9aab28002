"""What production requires, and what it switches on."""

import pytest

from tests.support.settings import PRODUCTION, refusal

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "max-age=31536000"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true"}, "max-age=31536000; includeSubDomains"),
        (
            {"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"},
            "max-age=31536000; includeSubDomains; preload",
        ),
        ({"HTTPS_ONLY": "false", "HSTS_INCLUDE_SUBDOMAINS": "true"}, ""),
    ],
)
def test_hsts_covers_subdomains_only_on_request(load, variables: dict[str, str], expected: str):
    assert load(**PRODUCTION, **variables).strict_transport_security == expected


def test_preloading_without_subdomains_is_refused(load):
    assert "HSTS_PRELOAD requires HSTS_INCLUDE_SUBDOMAINS" in refusal(load, HSTS_PRELOAD="true")


def test_https_only_can_be_disabled_in_production(load):
    assert load(**PRODUCTION, HTTPS_ONLY="false").serves_https_only is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "k" * 49),
        ("SECRET_KEY_FALLBACKS", f"{'k' * 50},{'k' * 49}"),
        ("DATABASE_URL", ""),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "api.example.com,*"),
    ],
)
def test_production_requires_key_database_and_hosts(load, name, value):
    message = refusal(load, **{**PRODUCTION, name: value})
    assert message.startswith(f"keyhouse: {name} ")
    assert "production" in message or name == "SECRET_KEY_FALLBACKS"
    assert "k" * 10 not in message


@pytest.mark.parametrize(
    ("given", "in_development", "in_production"), [(None, False, True), ("true", True, True), ("false", False, False)]
)
def test_staff_need_a_second_factor_in_production(load, given, in_development, in_production):
    variables = {"REQUIRE_STAFF_SECOND_FACTOR": given} if given else {}
    assert load(**variables).staff_need_second_factor is in_development
    assert load(**PRODUCTION, **variables).staff_need_second_factor is in_production

"""Which providers verify an address, and how profiles are read."""

from typing import Any

import pytest

from apps.identities.domain.provider import PRESETS, InvalidProviderResponse, ProviderKind
from apps.identities.services.claims import owns_issuer, profile_of, published_issuers
from tests.unit.identities.forged import ISSUER, claims, provider

pytestmark = pytest.mark.unit

TENANT = "11111111-2222-3333-4444-555555555555"
COMMON = PRESETS["microsoft"].issuer


def is_verified(kind: ProviderKind, **changes: Any) -> bool:
    return profile_of(provider(kind), claims(**{"email": "ann@example.com", **changes})).is_verified


@pytest.mark.parametrize(
    ("claim", "counts"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        ("True", False),
        (1, False),
        (None, False),
        ([1], False),
    ],
)
def test_email_verified_of_an_openid_provider(claim, counts):
    assert is_verified(ProviderKind.OPENID, email_verified=claim) is counts


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"email": "ann@gmail.com"}, True),
        ({"email": "ann@GoogleMail.com"}, True),
        ({"hd": "example.com"}, True),
        ({}, False),
        ({"email": "ann@gmail.com.evil.example"}, False),
        ({"email": "ann@gmail.com", "email_verified": False}, False),
    ],
)
def test_google_verifies_the_mailboxes_that_it_hosts(changes, counts):
    assert is_verified(ProviderKind.GOOGLE, **{"email_verified": True, **changes}) is counts


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"email_verified": True}, False),
        ({"verified_primary_email": ["ann@example.com"]}, False),
        ({"xms_edov": True}, True),
        ({"xms_edov": "1"}, True),
        ({"xms_edov": 1}, True),
        ({"xms_edov": False}, False),
        ({"xms_edov": "0"}, False),
        ({"xms_edov": "false"}, False),
    ],
)
def test_microsoft_verifies_addresses_of_proven_domains(changes, counts):
    assert is_verified(ProviderKind.MICROSOFT, **changes) is counts


@pytest.mark.parametrize(
    "email",
    [None, "", 7, ["ann@example.com"], "ann@example.com\r\nBcc: x", "a" * 255, "änn@example.com"],
    ids=["none", "empty", "number", "list", "two-lines", "long", "not-ascii"],
)
def test_malformed_address_is_not_verified(email):
    profile = profile_of(provider(), claims(email=email, email_verified=True))
    assert (profile.email, profile.is_verified) == ("", False)


def test_profile_is_read_from_claims():
    profile = profile_of(provider(), claims(email=" ann@example.com ", name="Ann\x00\r\n Hand", email_verified=True))
    assert (profile.provider, profile.issuer, profile.subject) == ("acme", ISSUER, "alice")
    assert (profile.email, profile.full_name) == ("ann@example.com", "Ann Hand")
    assert len(profile_of(provider(), claims(name="n" * 5000)).full_name) == 200
    assert profile_of(provider(), claims(name={"given": "Ann"})).full_name == ""


@pytest.mark.parametrize("subject", [None, "", 7, "s" * 256, "sub\x00ject", "sübject"])
def test_malformed_subject_is_refused(subject):
    with pytest.raises(InvalidProviderResponse):
        profile_of(provider(), claims(sub=subject))


def test_microsoft_identity_belongs_to_its_tenant():
    profile = profile_of(provider(ProviderKind.MICROSOFT, COMMON), claims(tid=TENANT))
    assert profile.issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"


def test_issuers_that_metadata_may_name():
    assert published_issuers(provider()) == {ISSUER}
    own = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert published_issuers(provider(ProviderKind.MICROSOFT, own)) == {own}
    assert own not in published_issuers(provider(ProviderKind.MICROSOFT, COMMON))


def test_issuers_whose_identities_are_the_providers():
    assert owns_issuer(provider(), ISSUER)
    assert not owns_issuer(provider(), f"{ISSUER}/")
    shared = provider(ProviderKind.MICROSOFT, COMMON)
    assert owns_issuer(shared, f"https://login.microsoftonline.com/{TENANT}/v2.0")
    assert not owns_issuer(shared, "https://login.microsoftonline.com.evil.example/x/v2.0")


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("Ann@EXAMPLE.com", "Ann@example.com"),
        ("\uff41nn@example.com", ""),  # another mailbox, which looks like ann@
        ("ann\uff20example.com", ""),
    ],
)
def test_domain_of_an_address_is_canonical_and_its_local_part_unchanged(sent: str, address: str):
    profile = profile_of(provider(), claims(email=sent, email_verified=True, name=" Cafe\u0301"))
    assert (profile.email, profile.is_verified, profile.full_name) == (address, bool(address), "Caf\u00e9")

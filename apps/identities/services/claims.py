"""What the claims of a provider are worth: who the person is, and whether the address is theirs."""

import re
from collections.abc import Mapping
from typing import Any

from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.identities.domain.provider import MICROSOFT, InvalidProviderAnswer, Profile, Provider, ProviderKind
from apps.identities.services.provider_http import ascii_text, is_printable_ascii

Claims = Mapping[str, Any]
SUBJECT_LENGTH_MAXIMUM = 255  # OpenID Connect Core, 2
NAME_LENGTH_MAXIMUM = 200
GMAIL = ("@gmail.com", "@googlemail.com")
# Under these names Microsoft serves all of its tenants; the tenant stands in the token.
MICROSOFT_SHARED = frozenset(f"{MICROSOFT}/{name}/v2.0" for name in ("common", "organizations", "consumers"))
TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def published_issuers(provider: Provider) -> frozenset[str]:
    """Return which issuers the provider's metadata may name: exactly the configured one.

    Microsoft's metadata for all tenants names a pattern, or the tenant of personal accounts.
    """
    if provider.issuer in MICROSOFT_SHARED:
        return frozenset(f"{MICROSOFT}/{tenant}/v2.0" for tenant in ("{tenantid}", PERSONAL_TENANT))
    return frozenset({provider.issuer})


def expected_issuer(provider: Provider, claims: Claims) -> str:
    """Return the issuer that a token with these claims must name; raises InvalidProviderAnswer."""
    if provider.issuer not in MICROSOFT_SHARED:
        return provider.issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not TENANT.fullmatch(tenant):
        raise InvalidProviderAnswer("tid")
    return f"{MICROSOFT}/{tenant}/v2.0"


def speaks_for(provider: Provider, issuer: str) -> bool:
    """Return whether identities of this issuer are the provider's."""
    return issuer == provider.issuer or (provider.issuer in MICROSOFT_SHARED and issuer.startswith(f"{MICROSOFT}/"))


def profile_of(provider: Provider, claims: Claims) -> Profile:
    """Return the person whom verified claims describe; raises InvalidProviderAnswer without a usable subject."""
    issuer, email = expected_issuer(provider, claims), claims.get("email")
    is_verified = isinstance(email, str) and _is_verified(provider.kind, email, claims)
    return profile_from(provider.name, issuer, claims.get("sub"), email, claims.get("name"), is_verified=is_verified)


def profile_from(provider: str, issuer: str, subject: Any, email: Any, full_name: Any, *, is_verified: bool) -> Profile:
    """Return the person whom these values describe; raises InvalidProviderAnswer without a usable subject.

    A malformed address counts as absent, and then as not verified either.
    """
    address = _address(email)
    name = full_name if isinstance(full_name, str) else ""
    return Profile(
        provider=provider,
        issuer=issuer,
        subject=ascii_text(subject, "subject", SUBJECT_LENGTH_MAXIMUM),
        email=address,
        is_verified=is_verified and bool(address),
        full_name="".join(letter for letter in name if letter.isprintable())[:NAME_LENGTH_MAXIMUM],
    )


def _is_verified(kind: ProviderKind, email: str, claims: Claims) -> bool:
    match kind:
        case ProviderKind.MICROSOFT:
            # An administrator of any tenant may write any address into `email`. `xms_edov` means that the tenant has
            # proven the address's domain; Microsoft has been seen to write true, 1 and "1".
            return _is_true(claims.get("xms_edov")) or str(claims.get("xms_edov")) == "1"
        case ProviderKind.GOOGLE:
            # Google hosts these mailboxes. Other addresses it has only verified once.
            hosts = email.lower().endswith(GMAIL) or bool(claims.get("hd"))
            return hosts and _is_true(claims.get("email_verified"))
        case _:
            return _is_true(claims.get("email_verified"))


def _is_true(value: Any) -> bool:
    # The claim is a boolean; some providers write it as text, and "false" must not count as true for being text.
    return value is True or value == "true"


def _address(email: Any) -> str:
    address = email.strip() if isinstance(email, str) else ""
    return address if len(address) <= EMAIL_LENGTH_MAXIMUM and is_printable_ascii(address) else ""

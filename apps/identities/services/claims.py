"""Evaluates a provider's claims: who the user is, and whether the e-mail address is verified."""

import re
from collections.abc import Mapping
from typing import Any

from apps.core.values.email_addresses import require_email
from apps.core.values.look_ups import canonical_text
from apps.identities.domain.provider import MICROSOFT, InvalidProviderResponse, Profile, Provider, ProviderKind
from apps.identities.services.provider_http import ascii_text, is_printable_ascii

Claims = Mapping[str, Any]
SUBJECT_LENGTH_MAXIMUM = 255  # OpenID Connect Core, 2
NAME_LENGTH_MAXIMUM = 200
GMAIL = ("@gmail.com", "@googlemail.com")
# Under these names Microsoft serves all of its tenants; the token names the tenant.
MICROSOFT_SHARED = frozenset(f"{MICROSOFT}/{name}/v2.0" for name in ("common", "organizations", "consumers"))
TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def published_issuers(provider: Provider) -> frozenset[str]:
    """Return the issuers that the provider's metadata may name: only the configured one.

    Microsoft's metadata for all tenants names a pattern, or the tenant of personal accounts.
    """
    if provider.issuer in MICROSOFT_SHARED:
        return frozenset(f"{MICROSOFT}/{tenant}/v2.0" for tenant in ("{tenantid}", PERSONAL_TENANT))
    return frozenset({provider.issuer})


def expected_issuer(provider: Provider, claims: Claims) -> str:
    """Return the issuer that a token with these claims must name; raises InvalidProviderResponse."""
    if provider.issuer not in MICROSOFT_SHARED:
        return provider.issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not TENANT.fullmatch(tenant):
        raise InvalidProviderResponse("tid")
    return f"{MICROSOFT}/{tenant}/v2.0"


def owns_issuer(provider: Provider, issuer: str) -> bool:
    """Return whether identities of this issuer are the provider's."""
    return issuer == provider.issuer or (provider.issuer in MICROSOFT_SHARED and issuer.startswith(f"{MICROSOFT}/"))


def profile_of(provider: Provider, claims: Claims) -> Profile:
    """Return the profile in verified claims; raises InvalidProviderResponse without a usable subject."""
    issuer, email = expected_issuer(provider, claims), claims.get("email")
    is_verified = isinstance(email, str) and _is_verified(provider.kind, email, claims)
    return profile_from(provider.name, issuer, claims.get("sub"), email, claims.get("name"), is_verified=is_verified)


def profile_from(provider: str, issuer: str, subject: Any, email: Any, full_name: Any, *, is_verified: bool) -> Profile:
    """Return the profile with these values; raises InvalidProviderResponse without a usable subject.

    A malformed address is ignored, and is then not verified.
    """
    address = _address(email)
    name = full_name if isinstance(full_name, str) else ""
    return Profile(
        provider=provider,
        issuer=issuer,
        subject=ascii_text(subject, "subject", SUBJECT_LENGTH_MAXIMUM),
        email=address,
        is_verified=is_verified and bool(address),
        full_name=canonical_text("".join(filter(str.isprintable, name)))[:NAME_LENGTH_MAXIMUM],
    )


def _is_verified(kind: ProviderKind, email: str, claims: Claims) -> bool:
    match kind:
        case ProviderKind.MICROSOFT:
            # An administrator of any tenant may write any address into `email`. `xms_edov` means that the tenant has
            # proven that it owns the address's domain; Microsoft writes true, 1 or "1".
            return _is_true(claims.get("xms_edov")) or str(claims.get("xms_edov")) == "1"
        case ProviderKind.GOOGLE:
            # Google hosts these mailboxes. It has verified other addresses only once.
            hosts = email.lower().endswith(GMAIL) or bool(claims.get("hd"))
            return hosts and _is_true(claims.get("email_verified"))
        case _:
            return _is_true(claims.get("email_verified"))


def _is_true(value: Any) -> bool:
    # The claim is a boolean. Some providers send it as a string, and the string "false" must not count as true.
    return value is True or value == "true"


def _address(email: Any) -> str:
    """Return the address as accounts store it, or an empty text.

    The domain may be in any spelling. The local part must be ASCII as the provider sent it: what looks like it may be
    another mailbox there.
    """
    local, at, domain = email.strip().rpartition("@") if isinstance(email, str) else ("", "", "")
    try:
        return require_email(f"{local}{at}{domain}") if at and is_printable_ascii(local) else ""
    except ValueError:
        return ""

"""What the claims of an OpenID provider are worth: who it is, and whether the address is theirs."""

import re
from collections.abc import Mapping
from typing import Any

from apps.identities.models import Profile
from apps.identities.services.profile_values import profile_from
from apps.identities.services.provider import MICROSOFT, Provider, ProviderKind
from apps.identities.services.provider_errors import InvalidProviderAnswer

Claims = Mapping[str, Any]
GMAIL = ("@gmail.com", "@googlemail.com")
# Under these names Microsoft speaks for all of its tenants; which one it is stands in the token.
MICROSOFT_SHARED = frozenset(f"{MICROSOFT}/{name}/v2.0" for name in ("common", "organizations", "consumers"))
TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def published_issuers(provider: Provider) -> frozenset[str]:
    """Return what the provider's own document may name as its issuer: exactly the configured one.

    Microsoft's documents for all tenants name a pattern, or the tenant of personal accounts.
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
    """Return whom checked claims describe."""
    email = claims.get("email")
    return profile_from(
        provider.name,
        expected_issuer(provider, claims),
        claims.get("sub"),
        email,
        claims.get("name"),
        is_verified=isinstance(email, str) and _is_verified(provider.kind, email, claims),
    )


def _is_verified(kind: ProviderKind, email: str, claims: Claims) -> bool:
    match kind:
        case ProviderKind.MICROSOFT:
            # An administrator of any tenant may write any address into `email`. `xms_edov` says that the tenant has
            # proven the address's domain; Microsoft has been seen to write true, 1 and "1".
            return _is_true(claims.get("xms_edov")) or str(claims.get("xms_edov")) == "1"
        case ProviderKind.GOOGLE:
            # Google hosts these mailboxes. Of others it only knows that they once were the person's.
            hosts = email.lower().endswith(GMAIL) or bool(claims.get("hd"))
            return hosts and _is_true(claims.get("email_verified"))
        case _:
            return _is_true(claims.get("email_verified"))


def _is_true(value: Any) -> bool:
    # The claim is a boolean; some providers write it as text, and "false" must not count for being text.
    return value is True or value == "true"

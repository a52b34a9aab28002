"""ID Tokens of a provider, and of attackers."""

import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from apps.identities.domain.provider import Provider, ProviderKind

ISSUER, CLIENT_ID, NONCE = "https://acme.example.com", "keyhouse", "n" * 43
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})


def provider(kind: ProviderKind = ProviderKind.OPENID, issuer: str = ISSUER) -> Provider:
    """Return a provider of this kind."""
    return Provider("acme", "Acme", kind, issuer, "openid email profile", CLIENT_ID, "secret")


def claims(**changes: Any) -> dict[str, Any]:
    """Return valid claims, with changes; None leaves one out. `exp_in`, `iat_in` and `nbf_in` are seconds from now."""
    now = int(time.time())
    moments = {name.removesuffix("_in"): now + changes.pop(name) for name in list(changes) if name.endswith("_in")}
    valid = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "alice", "nonce": NONCE, "iat": now, "exp": now + 300}
    return {name: value for name, value in {**valid, **changes, **moments}.items() if value is not None}


def token(
    algorithm: str = "RS256", key: RSAKey | ECKey | OKPKey | OctKey = KEY, kid: str | None = "one", **changes: Any
) -> str:
    """Return a signed token with these claims."""
    header = {"alg": algorithm, **({"kid": kid} if kid else {})}
    return jwt.encode(header, claims(**changes), key, algorithms=[algorithm])

"""Creates access tokens that a running Keyhouse server must reject."""

from datetime import timedelta
from typing import Any

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.authentication.services.signed_tokens import MEDIA_TYPE
from apps.authentication.services.signing_keys import decrypt
from tests.support.server import Server


def claims_of(headers: dict[str, str]) -> dict[str, Any]:
    """Return the claims of the genuine token in these headers."""
    token = headers["Authorization"].removeprefix("Bearer ")
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def genuine_key(server: Server) -> tuple[str, Ed25519PrivateKey]:
    """Return the id and the private key of the server's newest signing key."""
    with psycopg.connect(server.database_url) as connection:
        row = connection.execute("SELECT kid, private_key_encrypted FROM signing_keys ORDER BY id DESC").fetchone()
    assert row is not None
    raw = decrypt(bytes(row[1]))
    assert raw is not None
    return row[0], Ed25519PrivateKey.from_private_bytes(raw)


def signed(server: Server, claims: dict[str, Any], **more: Any) -> dict[str, str]:
    """Return the headers with a token with these claims, signed by the server's key; `more` extends its JOSE header."""
    kid, private_key = genuine_key(server)
    return bearer(jwt.encode(claims, private_key, algorithm="EdDSA", headers={"typ": MEDIA_TYPE, "kid": kid, **more}))


def moved(claims: dict[str, Any], by: timedelta) -> dict[str, Any]:
    """Return the claims of a token that is issued later by `by`."""
    return {**claims, "iat": claims["iat"] + int(by.total_seconds()), "exp": claims["exp"] + int(by.total_seconds())}


def bearer(token: str) -> dict[str, str]:
    """Return the headers that present `token`."""
    return {"Authorization": f"Bearer {token}"}

"""Proof Key for Code Exchange (RFC 7636), both as a client and as whom applications prove themselves to."""

from hmac import compare_digest

from authlib.oauth2.rfc7636 import create_s256_code_challenge


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of an ASCII verifier."""
    challenge: str = create_s256_code_challenge(verifier)
    return challenge


def is_verifier_of(verifier: str, challenge: str) -> bool:
    """Return whether the challenge was made of this verifier."""
    return verifier.isascii() and compare_digest(challenge_of(verifier).encode(), challenge.encode())

"""The old names of `passkey_authentication`, which apps/authentication still uses."""

from apps.second_factors.services.passkey_authentication import (
    PasskeyAuthenticated as PasskeyProven,
)
from apps.second_factors.services.passkey_authentication import (
    PasskeyAuthentication as PasskeyProof,
)

__all__ = ["PasskeyProof", "PasskeyProven"]

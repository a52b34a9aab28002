"""Authentication methods, by the names that RFC 8176 defines for a token's `amr` claim."""

from collections.abc import Iterable
from typing import Final

PASSWORD: Final = "pwd"  # noqa: S105  the name of the method, not a password
# A time-based code or a recovery code: each can be used once.
ONE_TIME_CODE: Final = "otp"
# A passkey that is bound to its device, and one that is synchronised between devices.
HARDWARE_KEY: Final = "hwk"
SOFTWARE_KEY: Final = "swk"
# The device verified its user by a PIN, a fingerprint or a face.
USER: Final = "user"
# Sign-in with another provider, for which RFC 8176 has no name. The provider's method is unknown, so it is one factor.
FEDERATED: Final = "fed"

SECOND_FACTORS = frozenset({ONE_TIME_CODE, HARDWARE_KEY, SOFTWARE_KEY})


def include_second_factor(methods: Iterable[str]) -> bool:
    """Return whether one of the methods is a second factor."""
    return not SECOND_FACTORS.isdisjoint(methods)

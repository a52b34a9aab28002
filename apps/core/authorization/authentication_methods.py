"""By which methods somebody has proven who they are: the names of RFC 8176, as in a token's `amr`."""

from collections.abc import Iterable
from typing import Final

PASSWORD: Final = "pwd"  # noqa: S105  the name of the method, not a password
# A time-based code or a recovery code: both are good once.
ONE_TIME_CODE: Final = "otp"
# A passkey that stays on its device, and one that its owner's devices share.
HARDWARE_KEY: Final = "hwk"
SOFTWARE_KEY: Final = "swk"
# That the device has checked its user: by a PIN, a finger, a face.
USER: Final = "user"
# Another provider's word, for which RFC 8176 has no name. How the provider has asked is not known: it is one factor.
FEDERATED: Final = "fed"

SECOND_FACTORS = frozenset({ONE_TIME_CODE, HARDWARE_KEY, SOFTWARE_KEY})


def include_second_factor(methods: Iterable[str]) -> bool:
    """Return whether one of the methods is a second factor beside a password."""
    return not SECOND_FACTORS.isdisjoint(methods)

"""Reads whom a provider says somebody is from values that it sent."""

from typing import Any

from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.identities.models import Profile
from apps.identities.services.provider_errors import InvalidProviderAnswer

SUBJECT_LENGTH_MAXIMUM = 255  # OpenID Connect Core, 2
NAME_LENGTH_MAXIMUM = 200


def profile_from(provider: str, issuer: str, subject: Any, email: Any, full_name: Any, *, is_verified: bool) -> Profile:
    """Return the profile; raises InvalidProviderAnswer without a usable subject.

    An address that is none counts as absent, and is then not verified either.
    """
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH_MAXIMUM or not _is_plain(subject):
        raise InvalidProviderAnswer("subject")
    address = _address(email)
    name = full_name if isinstance(full_name, str) else ""
    return Profile(
        provider=provider,
        issuer=issuer,
        subject=subject,
        email=address,
        is_verified=is_verified and bool(address),
        full_name="".join(letter for letter in name if letter.isprintable())[:NAME_LENGTH_MAXIMUM],
    )


def _address(email: Any) -> str:
    address = email.strip() if isinstance(email, str) else ""
    return address if len(address) <= EMAIL_LENGTH_MAXIMUM and _is_plain(address) else ""


def _is_plain(text: str) -> bool:
    return text.isprintable() and text.isascii()

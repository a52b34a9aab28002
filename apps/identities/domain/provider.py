"""Providers that people may sign in with, as the operator configured them, and people as providers describe them."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from apps.core.errors import DomainError

GITHUB = "https://github.com"
MICROSOFT = "https://login.microsoftonline.com"


class ProviderKind(StrEnum):
    """The protocol of a provider, and how far its statements about addresses are trusted."""

    OPENID = "openid"
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `name` stands in paths and rows, `label` on buttons.

    `issuer` is the OpenID provider's issuer identifier, exactly as the provider writes it; for GitHub, the address of
    the site. `scopes` are the scopes to request, separated by spaces.
    """

    name: str
    label: str
    kind: ProviderKind
    issuer: str
    scopes: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preset:
    """The settings of a well-known provider that need not be configured."""

    label: str
    kind: ProviderKind
    issuer: str
    scopes: str = "openid email profile"


PRESETS = {
    "google": Preset("Google", ProviderKind.GOOGLE, "https://accounts.google.com"),
    "microsoft": Preset("Microsoft", ProviderKind.MICROSOFT, f"{MICROSOFT}/common/v2.0"),
    "github": Preset("GitHub", ProviderKind.GITHUB, GITHUB, "read:user user:email"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as a provider describes them: `issuer` and `subject` identify, the rest describes.

    `is_verified` is whether the provider has verified the address in a way that can be relied on.
    """

    provider: str
    issuer: str
    subject: str
    email: str
    is_verified: bool
    full_name: str

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


class ProviderError(DomainError):
    """The sign-in with the provider has failed. `reason` is for the log, and holds nothing that the provider sent."""

    status = 400

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__()


class ProviderUnavailable(ProviderError):
    """The provider did not respond, or reported that it is temporarily unavailable."""

    code, message = "PROVIDER_UNAVAILABLE", "The provider is unavailable. Retry shortly."


class ProviderRefused(ProviderError):
    """The provider responded with an error."""

    code, message = "PROVIDER_REFUSED", "The provider refused the sign-in. Start it again, or sign in another way."


class AccessDenied(ProviderError):
    """The user cancelled the sign-in at the provider."""

    code, message = "ACCESS_DENIED", "The sign-in was cancelled at the provider. Start it again."


class InvalidProviderAnswer(ProviderError):
    """The provider's response is malformed, or does not prove who the user is."""

    code, message = "PROVIDER_ANSWER_INVALID", "The provider's response is invalid. Start the sign-in again."

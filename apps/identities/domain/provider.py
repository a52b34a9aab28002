"""The configured sign-in providers, and the profiles of users that they return."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from apps.core.errors import DomainError

GITHUB = "https://github.com"
MICROSOFT = "https://login.microsoftonline.com"


class ProviderKind(StrEnum):
    """The protocol of a provider, which also determines whether its e-mail addresses count as verified."""

    OPENID = "openid"
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider. `name` is used in paths and rows, `label` on buttons.

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
    """A user of a provider, identified by `issuer` and `subject`.

    `is_verified` is whether the provider has reliably verified that the address belongs to the user. `authenticated_at`
    is when the provider has authenticated the user, in seconds since 1970, or None where it does not say.
    """

    provider: str
    issuer: str
    subject: str
    email: str
    is_verified: bool
    full_name: str
    authenticated_at: int | None = None

    def as_data(self) -> dict[str, Any]:
        """Return the profile as a JSON object."""
        return asdict(self)


class ProviderError(DomainError):
    """The sign-in with the provider has failed. `reason` is one short line for the log, not for the client."""

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


class StaleAuthentication(ProviderError):
    """The provider has not confirmed that it authenticated the user as recently as was requested."""

    code = "PROVIDER_AUTHENTICATION_STALE"
    message = "The provider did not confirm a recent sign-in. Sign in there again, or re-authenticate another way."


class InvalidProviderResponse(ProviderError):
    """The provider's response is malformed, or does not prove who the user is."""

    code, message = "PROVIDER_ANSWER_INVALID", "The provider's response is invalid. Start the sign-in again."

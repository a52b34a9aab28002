"""What may go wrong with a provider. The code reaches the application; what the provider sent does not."""

from apps.core.errors import DomainError


class ProviderError(DomainError):
    """The sign-in with the provider has failed. `reason` is for the log, and holds nothing that the provider sent."""

    status = 400

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__()


class ProviderUnavailable(ProviderError):
    """The provider does not respond, or reports that it is temporarily unavailable."""

    code, message = "PROVIDER_UNAVAILABLE", "The provider is unavailable. Retry shortly."


class ProviderRefused(ProviderError):
    """The provider responds with an error."""

    code, message = "PROVIDER_REFUSED", "The provider refused the sign-in."


class AccessDenied(ProviderError):
    """The person declined at the provider."""

    code, message = "ACCESS_DENIED", "The sign-in was cancelled at the provider."


class InvalidProviderAnswer(ProviderError):
    """The provider's response proves nothing."""

    code, message = "PROVIDER_ANSWER_INVALID", "The provider's response is invalid. Start the sign-in again."

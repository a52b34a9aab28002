"""What may go wrong with a provider. The code reaches the application; what the provider said does not."""

from apps.core.errors import DomainError


class ProviderError(DomainError):
    """The sign-in with the provider has come to nothing. `reason` is for the log, and holds nothing of an answer."""

    status = 400

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__()


class ProviderUnavailable(ProviderError):
    """The provider does not answer, or says that it cannot for the moment."""

    code, message = "PROVIDER_UNAVAILABLE", "The provider does not answer; try again shortly."


class ProviderRefused(ProviderError):
    """The provider answers, and refuses."""

    code, message = "PROVIDER_REFUSED", "The provider has refused the sign-in."


class AccessDenied(ProviderError):
    """Whoever was asked at the provider has said no."""

    code, message = "ACCESS_DENIED", "The sign-in was called off at the provider."


class InvalidProviderAnswer(ProviderError):
    """What the provider answers proves nothing."""

    code, message = "PROVIDER_ANSWER_INVALID", "The provider's answer does not prove who you are."

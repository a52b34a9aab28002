"""Forms whose values a service may refuse."""

from django.forms import BaseForm
from django.http import HttpResponse

from apps.core.errors import DomainError, TooManyRequests
from apps.core.http.error_responses import error_headers


class RefusableForm(BaseForm):
    """Shows on top of itself what a service has refused, and for how long it will."""

    refusal: DomainError | None = None

    def refuse(self, refusal: DomainError) -> None:
        """Say why; no field is named, so that it tells nothing of what was right."""
        self.refusal = refusal
        wait = f" Try again in {refusal.retry_after_seconds} seconds." if isinstance(refusal, TooManyRequests) else ""
        self.add_error(None, f"{refusal.public_message}{wait}")

    def answer(self, page: HttpResponse) -> HttpResponse:
        """Return the page as the answer to this form: 429 or 503 with Retry-After while nothing is judged."""
        if self.refusal is not None and self.refusal.retry_after_seconds is not None:
            page.status_code = self.refusal.status
            page["Retry-After"] = error_headers(self.refusal)["Retry-After"]
        return page

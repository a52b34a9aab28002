"""What goes in and out about verification."""

from apps.verification.schemas.verify_request import VerifyRequest
from apps.verification.schemas.verify_response import RateLimitState, VerifyResponse

__all__ = ["RateLimitState", "VerifyRequest", "VerifyResponse"]

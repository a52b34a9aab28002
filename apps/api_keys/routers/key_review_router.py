"""`/auth/api-keys`: the review of keys by the link in a message."""

from django.http import HttpRequest

from apps.api_keys.dependencies import key_reviews
from apps.api_keys.schemas.key_review import KeyReview, KeyReviewOut, ReviewedKeyRevoke
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_by_address

router = Router(tags=["api keys"])


@router.post("/review", auth=None, response={200: KeyReviewOut, **errors(429)})
async def review_api_keys(request: HttpRequest, body: KeyReview) -> KeyReviewOut:
    """List the keys of an account with the token from a message to its owner. Rate limited per client address."""
    await limit_by_address(request, "review-api-keys")
    return await key_reviews().show(body.token.get_secret_value())


@router.post("/revoke", auth=None, response={200: KeyReviewOut, **errors(404, 429)})
async def revoke_reviewed_api_key(request: HttpRequest, body: ReviewedKeyRevoke) -> KeyReviewOut:
    """Revoke one of these keys, and those that it has created. Returns the keys that are left.

    A key that is revoked already stays as it is. Rate limited per client address.
    """
    await limit_by_address(request, "revoke-reviewed-key")
    return await key_reviews().revoke(body.token.get_secret_value(), body.key_id)


@router.post("/revoke-all", auth=None, response={200: KeyReviewOut, **errors(429)})
async def revoke_reviewed_api_keys(request: HttpRequest, body: KeyReview) -> KeyReviewOut:
    """Revoke all of these keys. Those that were created after the message stay. Rate limited per client address."""
    await limit_by_address(request, "revoke-reviewed-keys")
    return await key_reviews().revoke_all(body.token.get_secret_value())

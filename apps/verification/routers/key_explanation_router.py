"""`/api-keys/{id}/explain`."""

from ninja import Path

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.fields import Identifier
from apps.verification.dependencies import key_explanations
from apps.verification.schemas.explanation import CallToExplain, KeyExplanation

router = Router(tags=["api keys"])


@router.post("/{key_id}/explain", response={200: KeyExplanation, **errors(404)})
async def explain_api_key(
    request: AuthenticatedRequest, key_id: Path[Identifier], call: CallToExplain | None = None
) -> KeyExplanation:
    """Explain what a call of an API key would get now: the verdict, each check, and what is left of the limits.

    Nothing is counted or charged. Keys of accounts other than your own require the scope `keys:read`.
    """
    return await key_explanations().explain(request.auth, key_id, call or CallToExplain())

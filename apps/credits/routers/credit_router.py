"""`/credits`, and `/users/{id}/credits`."""

from ninja import Path, Query, Status

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page
from apps.credits.dependencies import credit_service
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import BalanceQuery, CreditPosting, CreditTransactionOut, LedgerQuery

router = Router(tags=["credits"])
user_router = Router(tags=["credits"])


@router.get("/balance", response={200: CreditBalanceOut, **errors(404)})
async def get_credit_balance(request: AuthenticatedRequest, query: Query[BalanceQuery]) -> CreditBalanceOut:
    """Read a balance: one's own, or anyone's as staff."""
    return await credit_service().balance(request.auth, query.user_id)


@router.get("/transactions", response={200: Page[CreditTransactionOut], **errors(404)})
async def list_credit_transactions(
    request: AuthenticatedRequest, query: Query[LedgerQuery]
) -> Page[CreditTransactionOut]:
    """List the entries of a ledger, newest first: one's own, or anyone's as staff."""
    return await credit_service().page(request.auth, query)


@user_router.post("/{user_id}/credits", response={201: CreditTransactionOut, **errors(402, 404, 409)})
async def post_credits(
    request: AuthenticatedRequest, user_id: Path[Identifier], posting: CreditPosting
) -> Status[CreditTransactionOut]:
    """Give a customer credits, or take them; staff only. The same `reference_id` twice posts once."""
    return Status(201, await credit_service().post(request.auth, user_id, posting))

"""`/credits`, and `/users/{id}/credits`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, Page
from apps.credits.dependencies import credit_service
from apps.credits.schemas.credit_approval import CreditApprovalOut
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import BalanceQuery, CreditPosting, CreditTransactionOut, LedgerQuery

router = Router(tags=["credits"])
user_router = Router(tags=["credits"])


@router.get("/balance", response={200: CreditBalanceOut, **errors(404)})
async def get_credit_balance(request: AuthenticatedRequest, query: Query[BalanceQuery]) -> CreditBalanceOut:
    """Return the credit balance of your own account, or of `user_id`.

    Accounts other than your own require the scope `credits:read`.
    """
    return await credit_service().balance(request.auth, query.user_id)


@router.get(
    "/transactions", response={200: Page[CreditTransactionOut] | CursorPage[CreditTransactionOut], **errors(404)}
)
async def list_credit_transactions(
    request: AuthenticatedRequest, query: Query[LedgerQuery]
) -> Page[CreditTransactionOut] | CursorPage[CreditTransactionOut]:
    """List the ledger entries of your own account, or of `user_id`, newest first.

    Accounts other than your own require the scope `credits:read`.
    """
    if query.cursor is not None:
        return await credit_service().after(request.auth, query)
    return await credit_service().page(request.auth, query)


@user_router.post(
    "/{user_id}/credits", response={201: CreditTransactionOut, 202: CreditApprovalOut, **errors(402, 404, 409)}
)
async def post_credits(
    request: AuthenticatedRequest, user_id: Path[Identifier], posting: CreditPosting
) -> Status[CreditTransactionOut | CreditApprovalOut]:
    """Post credits to a customer. A `reference_id` posts once; a retry returns the first entry.

    A top-up requires the scope `credits:grant`; goodwill, a refund or an adjustment requires `credits:adjust`.
    Of amounts above the operator's setting, alone or with what you have posted to the customer within a day, the
    response is 202 with a pending approval, and nothing is posted until another member of staff approves it.
    """
    posted = await credit_service().post(request.auth, user_id, posting)
    return Status(202 if isinstance(posted, CreditApprovalOut) else 201, posted)

"""`/scopes`."""

from ninja import Query

from apps.core.authorization.catalogue import CATALOGUE
from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router
from apps.core.schemas.common_responses import ScopeOut
from apps.core.schemas.page import Page, PageQuery

router = Router(tags=["roles and scopes"])


@router.get("", response={200: Page[ScopeOut]})
async def list_scopes(request: AuthenticatedRequest, query: Query[PageQuery]) -> Page[ScopeOut]:
    """List the scopes that Keyhouse itself checks. All other scopes are defined by customers."""
    declared = list(CATALOGUE.values())
    return Page[ScopeOut].of(declared[query.offset : query.offset + query.size], len(declared), query, ScopeOut.of)

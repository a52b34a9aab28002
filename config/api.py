"""The client API, composed."""

from ninja import NinjaAPI
from ninja.operation import Operation

from apps.api_keys.routers import api_key_router
from apps.audit.routers import security_event_router
from apps.authentication.routers import authentication_router, key_set_router
from apps.core.http.error_responses import install_error_handlers
from apps.core.http.json_codec import JsonParser, JsonRenderer
from apps.core.routers import health_router
from apps.credits.routers import credit_router
from apps.oauth.routers import metadata_router, oauth_router
from apps.plans.routers import plan_router
from apps.users.routers import user_router
from apps.verification.routers import verification_router
from config.authenticator import AUTHENTICATOR, SERVICE_AUTHENTICATOR

BASE = "/api/v1"


class KeyhouseApi(NinjaAPI):
    """Names operations after their functions, so that generated clients read well."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the operation's function name; these are unique over the whole API."""
        return operation.view_func.__name__


api = KeyhouseApi(
    title="Keyhouse",
    version="1.0.0",
    description="Accounts, sign-in, API keys, rate limits, prepaid credits and usage for companies that sell an API.",
    auth=AUTHENTICATOR,
    parser=JsonParser(),
    renderer=JsonRenderer(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
install_error_handlers(api)
api.add_router("", health_router.router)
api.add_router("", key_set_router.router)
api.add_router("", metadata_router.router)
api.add_router(f"{BASE}/auth", authentication_router.router)
api.add_router(f"{BASE}/auth", security_event_router.router)
api.add_router(f"{BASE}/oauth", oauth_router.router)
api.add_router(f"{BASE}/users", user_router.router)
api.add_router(f"{BASE}/users", api_key_router.user_router)
api.add_router(f"{BASE}/users", credit_router.user_router)
api.add_router(f"{BASE}/api-keys", api_key_router.router)
api.add_router(f"{BASE}/credits", credit_router.router)
api.add_router(f"{BASE}/keys", verification_router.router, auth=SERVICE_AUTHENTICATOR)
api.add_router(f"{BASE}/plans", plan_router.router)

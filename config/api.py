"""The client API, composed."""

from typing import Any, override

from ninja import NinjaAPI
from ninja.operation import Operation

from apps.api_keys.routers import api_key_router
from apps.audit.routers import security_event_router
from apps.authentication.routers import (
    authentication_router,
    key_set_router,
    password_reset_router,
    second_step_router,
    step_up_router,
    user_session_router,
)
from apps.core.http.error_responses import install_error_handlers
from apps.core.http.json_codec import JsonParser, JsonRenderer
from apps.core.http.requirements import RequirementsSchema
from apps.core.routers import health_router, scope_router
from apps.core.values.api_path import API_PATH
from apps.credits.routers import credit_router
from apps.identities.routers import identity_router, provider_router
from apps.oauth.routers import metadata_router, oauth_router
from apps.personal_data.routers import data_export_router
from apps.plans.routers import plan_router
from apps.second_factors.routers import second_factor_router
from apps.users.routers import email_router, invitation_router, role_router, user_router
from apps.verification.routers import verification_router
from config.authenticator import AUTHENTICATOR, SERVICE_AUTHENTICATOR


class KeyhouseApi(NinjaAPI):
    """Names operations after their functions, so that generated clients read well."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the operation's function name; these are unique over the whole API."""
        return operation.view_func.__name__

    @override
    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> RequirementsSchema:
        """Return the OpenAPI document; its addresses begin at the root."""
        return RequirementsSchema(self, path_prefix or "")


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
api.add_router(f"{API_PATH}/auth", authentication_router.router)
api.add_router(f"{API_PATH}/auth", second_step_router.router)
api.add_router(f"{API_PATH}/auth", step_up_router.router)
api.add_router(f"{API_PATH}/auth", password_reset_router.router)
api.add_router(f"{API_PATH}/auth", identity_router.router)
api.add_router(f"{API_PATH}/auth/oauth", provider_router.router)
api.add_router(f"{API_PATH}/auth", security_event_router.router)
api.add_router(f"{API_PATH}/auth", second_factor_router.router)
api.add_router(f"{API_PATH}/oauth", oauth_router.router)
api.add_router(f"{API_PATH}/auth", email_router.router)
api.add_router(f"{API_PATH}/invitations", invitation_router.router)
api.add_router(f"{API_PATH}/users", data_export_router.router)
api.add_router(f"{API_PATH}/users", user_router.router)
api.add_router(f"{API_PATH}/users", password_reset_router.user_router)
api.add_router(f"{API_PATH}/users", user_session_router.router)
api.add_router(f"{API_PATH}/users", second_factor_router.user_router)
api.add_router(f"{API_PATH}/users", api_key_router.user_router)
api.add_router(f"{API_PATH}/users", identity_router.user_router)
api.add_router(f"{API_PATH}/users", credit_router.user_router)
api.add_router(f"{API_PATH}/api-keys", api_key_router.router)
api.add_router(f"{API_PATH}/credits", credit_router.router)
api.add_router(f"{API_PATH}/keys", verification_router.router, auth=SERVICE_AUTHENTICATOR)
api.add_router(f"{API_PATH}/plans", plan_router.router)
api.add_router(f"{API_PATH}/roles", role_router.router)
api.add_router(f"{API_PATH}/scopes", scope_router.router)

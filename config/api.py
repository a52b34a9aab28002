"""The client API, composed."""

from typing import Any, override

from ninja import NinjaAPI
from ninja.operation import Operation

from apps.core.declarations.app_declaration import Mount
from apps.core.declarations.installed import app_declarations
from apps.core.http.error_responses import install_error_handlers
from apps.core.http.json_codec import JsonParser, JsonRenderer
from apps.core.http.requirements import RequirementsSchema
from apps.core.values.api_path import API_PATH
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


def _add(mount: Mount) -> None:
    path = mount.path if mount.at_root else f"{API_PATH}{mount.path}"
    if mount.is_metered:
        api.add_router(path, mount.router)
    else:
        api.add_router(path, mount.router, auth=SERVICE_AUTHENTICATOR)


for declaration in app_declarations().values():
    for declared in declaration.mounts:
        _add(declared)

"""The API, composed of the routers that apps declare, and its documentation, which loads nothing from other hosts."""

from functools import cache, partial
from typing import Any, cast, override

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.operation import Operation

from apps.core.declarations import Mount, app_declarations
from apps.core.http.error_responses import JSON_CONTENT_TYPE, install_error_handlers
from apps.core.http.json_codec import JsonParser, JsonRenderer
from apps.core.http.requirements import RequirementsSchema
from apps.core.values.api_contract import API_PATH
from config.authenticator import AUTHENTICATOR, SERVICE_AUTHENTICATOR

SWAGGER_SETTINGS = '{"url": "/openapi.json", "layout": "BaseLayout", "deepLinking": true}'


class KeyhouseApi(NinjaAPI):
    """The API. Its operation ids are the names of the functions, for readable generated clients."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the operation's function, which is unique in the whole API."""
        return operation.view_func.__name__

    @override
    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Return the response on which an operation may set headers. It is made when it is used, which is rare."""
        made = partial(HttpResponse, b"", content_type=self.get_content_type())
        return cast("HttpResponse", SimpleLazyObject(made))

    @override
    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> RequirementsSchema:
        """Return the OpenAPI document, with paths from the root."""
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


@require_safe
async def openapi_document(_request: HttpRequest) -> HttpResponse:
    """Serve `/openapi.json`."""
    return HttpResponse(openapi_bytes(), content_type=JSON_CONTENT_TYPE)


@require_safe
async def interactive_documentation(request: HttpRequest) -> HttpResponse:
    """Serve `/docs`: Swagger UI with the OpenAPI document."""
    return render(request, "ninja/swagger.html", {"api": api, "swagger_settings": SWAGGER_SETTINGS})


@cache
def openapi_bytes() -> bytes:
    """Return the OpenAPI document as JSON; it does not change while the process runs."""
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(api.get_openapi_schema(path_prefix=""), option=options)

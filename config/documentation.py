"""`/openapi.json` and `/docs`, without any outside address."""

from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.api import api


@require_safe
async def openapi_document(_request: HttpRequest) -> HttpResponse:
    """Serve the OpenAPI document."""
    return HttpResponse(openapi_bytes(), content_type="application/json")


@require_safe
async def interactive_documentation(request: HttpRequest) -> HttpResponse:
    """Serve Swagger UI on the OpenAPI document."""
    swagger_settings = '{"url": "/openapi.json", "layout": "BaseLayout", "deepLinking": true}'
    return render(request, "ninja/swagger.html", {"api": api, "swagger_settings": swagger_settings})


@cache
def openapi_bytes() -> bytes:
    """Return the OpenAPI document as JSON; it does not change while the process runs."""
    return orjson.dumps(api.get_openapi_schema(path_prefix=""), option=orjson.OPT_NON_STR_KEYS)

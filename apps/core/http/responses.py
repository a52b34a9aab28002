"""The router of all operations: rejects unknown query parameters, and documents the error responses.

    router = Router(tags=["projects"])

    @router.get("/{project_id}", response={200: ProjectOut, **errors(404)})

A router lists 404, 409 and other errors that are specific to the operation. The rest is derived from the signature and
the authentication: 500 and 503 always; 401, 403 and 429 with authentication (a key may exceed its rate limit, or be
used from an address that is not allowed); 422 unless unknown parameters are ignored; 400, 413 and 415 with a body.
412 documents `If-Match`, which the operation passes to the service by `if_match(request)`; responses with a
`VersionedOut` have an `ETag`.

The errors are documented only. `error_responses.py` renders every error, so Ninja does not build a response model for
each status of each operation, which would delay the start of a process by half a second.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, get_args, override

import ninja
from django.http import HttpRequest, HttpResponse
from ninja import Status
from ninja.constants import NOT_SET
from ninja.signature import ViewSignature
from pydantic import BaseModel

from apps.core.errors import PreconditionFailed
from apps.core.http.conditional_requests import HEADER, PARAMETER, View, with_entity_tag
from apps.core.http.error_responses import JSON_CONTENT_TYPE
from apps.core.http.query_parameters import ignores_unknown_parameters, reject_unknown_parameters
from apps.core.schemas.base import VersionedOut
from apps.core.schemas.common_responses import ErrorResponse

ALWAYS = {500, 503}
AUTHENTICATED = {401, 403, 429}
VALIDATED = {422}
WITH_BODY = {400, 413, 415}
# What only Ninja does: these options, and the headers that an operation sets on a parameter of type HttpResponse.
CHOOSES_FIELDS = {"by_alias", "exclude_none", "exclude_unset", "exclude_defaults"}
BODY_SOURCES = {"body", "form", "file"}
ENVELOPE = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"}}}


def errors(*statuses: int) -> dict[Any, Any]:
    """Return the entry of `response=` that documents these statuses as error envelopes."""
    return {frozenset(statuses): ErrorResponse}


class Router(ninja.Router):
    """Ninja's router. Each operation rejects unknown query parameters, and documents its derived errors."""

    @override
    def add_api_operation(
        self,
        path: str,
        methods: list[str],
        view_func: Callable[..., Any],
        *,
        auth: Any = NOT_SET,
        response: Any = NOT_SET,
        **options: Any,
    ) -> None:
        """Add an operation with its derived errors."""
        is_public = auth is None or (auth is NOT_SET and self.auth is None)
        signature = ViewSignature(path, view_func)
        derived = _derived(signature, is_public=is_public)
        if not ignores_unknown_parameters(signature):
            view_func = reject_unknown_parameters(view_func, signature)
        successes = {statuses: schema for statuses, schema in response.items() if schema is not ErrorResponse}
        statuses = (_statuses(response) | derived) - _statuses(successes)
        given = options.get("openapi_extra") or {}
        extra = {**given, "responses": {**given.get("responses", {}), **_documented(statuses)}}
        for status in [status for status, schema in successes.items() if _is_versioned(schema)]:
            view_func = with_entity_tag(view_func)
            extra["responses"][status] = {"headers": HEADER}
        if signature.response_arg is None and not any(options.get(option) for option in CHOOSES_FIELDS):
            view_func = rendered(view_func, successes)
        if PreconditionFailed.status in statuses:
            extra["parameters"] = [*extra.get("parameters", ()), PARAMETER]
        options["openapi_extra"] = extra
        super().add_api_operation(path, methods, view_func, auth=auth, response=successes, **options)


def rendered(view: View, responses: Mapping[Any, Any]) -> View:
    """Return the operation's function, with schemas that it returns rendered as JSON by pydantic itself.

    Ninja would validate them again, and make dictionaries of them first. What is not of the documented schema of its
    status is left to Ninja.
    """
    schemas = {status: get_args(schema) or (schema,) for status, schema in responses.items() if schema is not None}
    only = next(iter(responses)) if len(responses) == 1 else HTTPStatus.OK

    @wraps(view)
    async def rendering(request: HttpRequest, *args: Any, **values: Any) -> Any:
        result = await view(request, *args, **values)
        status, body = (result.status_code, result.value) if isinstance(result, Status) else (only, result)
        if type(body) in schemas.get(status, ()) and isinstance(body, BaseModel):
            content = body.__pydantic_serializer__.to_json(body) + b"\n"  # so that the output of curl ends in one
            return HttpResponse(content, status=status, content_type=JSON_CONTENT_TYPE)
        return result

    return rendering


def _derived(signature: ViewSignature, *, is_public: bool) -> set[int]:
    sources = {model.__ninja_param_source__ for model in signature.models}
    return (
        ALWAYS
        | (set() if is_public else AUTHENTICATED)
        | (set() if ignores_unknown_parameters(signature) and not sources else VALIDATED)
        | (WITH_BODY if sources & BODY_SOURCES else set())
    )


def _is_versioned(schema: Any) -> bool:
    return isinstance(schema, type) and issubclass(schema, VersionedOut)


def _statuses(response: Mapping[Any, Any]) -> set[int]:
    return {status for key in response for status in (key if isinstance(key, frozenset) else (key,))}


def _documented(statuses: Iterable[int]) -> dict[int, Any]:
    return {status: {"description": HTTPStatus(status).phrase, "content": ENVELOPE} for status in sorted(statuses)}

"""Which errors an operation may answer: derived from its signature and its authentication, but for its own.

    router = Router(tags=["projects"])

    @router.get("/{project_id}", response={200: ProjectOut, **errors(404)})

A router names 404, 409 and what else is the operation's own. Derived are 500 and 503; 401, 403 and 429 where a caller
is authenticated (a key may be over its rate limit, or used from an address that is not allowed); 422 where there are
parameters; 400, 413 and 415 where there is a body.

They are only documented. `error_responses.py` renders every error, so Ninja need not build a response model for each
status of each operation, which would take a process half a second at its start.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, override

import ninja
from ninja.constants import NOT_SET
from ninja.signature import ViewSignature

from apps.core.schemas.error_response import ErrorResponse

ALWAYS = {500, 503}
AUTHENTICATED = {401, 403, 429}
WITH_PARAMETERS = {422}
WITH_BODY = {400, 413, 415}
BODY_SOURCES = {"body", "form", "file"}
ENVELOPE = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"}}}


def errors(*statuses: int) -> dict[Any, Any]:
    """Return the part of `response=` that says that these statuses of the operation's own are error envelopes."""
    return {frozenset(statuses): ErrorResponse}


class Router(ninja.Router):
    """Ninja's router, whose operations document the errors that follow from their signature and authentication."""

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
        """Add an operation."""
        is_public = auth is None or (auth is NOT_SET and self.auth is None)
        derived = _derived(ViewSignature(path, view_func), is_public=is_public)
        answers = {statuses: schema for statuses, schema in response.items() if schema is not ErrorResponse}
        statuses = (_statuses(response) | derived) - _statuses(answers)
        options["openapi_extra"] = {**(options.get("openapi_extra") or {}), "responses": _documented(statuses)}
        super().add_api_operation(path, methods, view_func, auth=auth, response=answers, **options)


def _derived(signature: ViewSignature, *, is_public: bool) -> set[int]:
    sources = {model.__ninja_param_source__ for model in signature.models}
    return (
        ALWAYS
        | (set() if is_public else AUTHENTICATED)
        | (WITH_PARAMETERS if sources else set())
        | (WITH_BODY if sources & BODY_SOURCES else set())
    )


def _statuses(response: Mapping[Any, Any]) -> set[int]:
    return {status for key in response for status in (key if isinstance(key, frozenset) else (key,))}


def _documented(statuses: Iterable[int]) -> dict[int, Any]:
    return {status: {"description": HTTPStatus(status).phrase, "content": ENVELOPE} for status in sorted(statuses)}

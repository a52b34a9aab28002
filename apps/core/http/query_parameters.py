"""Rejects query parameters that an operation does not define, as unknown fields of bodies are rejected.

Ninja drops them: a misspelled filter would return the unfiltered list.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.params.models import Query
from ninja.signature import ViewSignature
from pydantic import BaseModel

from apps.core.errors import ErrorDetail, ValidationFailed
from apps.core.http.error_responses import FIELD_LENGTH_MAXIMUM

View = Callable[..., Awaitable[Any]]
TOLERANT_MARK = "keyhouse_ignores_unknown_parameters"


def ignore_unknown_parameters(view: View) -> View:
    """Mark an operation that a standard requires to ignore unknown parameters, such as RFC 6749 (3.1 and 3.2)."""
    setattr(view, TOLERANT_MARK, True)
    return view


def ignores_unknown_parameters(signature: ViewSignature) -> bool:
    """Return whether the operation is marked, or its query schema says so by `extra="ignore"`."""
    schemas = [param.annotation for param in signature.params if isinstance(param.source, Query)]
    return getattr(signature.view_func, TOLERANT_MARK, False) or any(
        isinstance(schema, type) and issubclass(schema, BaseModel) and schema.model_config.get("extra") == "ignore"
        for schema in schemas
    )


def reject_unknown_parameters(view: View, signature: ViewSignature) -> View:
    """Return the operation's function, raising ValidationFailed for each unknown or repeated parameter."""
    models = [model for model in signature.models if model.__ninja_param_source__ == "query"]
    known = frozenset(name for model in models for name in model.__ninja_flatten_map__)

    @wraps(view)
    async def strict(request: HttpRequest, *args: Any, **values: Any) -> Any:
        if request.META["QUERY_STRING"]:
            _check(request, known)
        return await view(request, *args, **values)

    return strict


def _check(request: HttpRequest, known: frozenset[str]) -> None:
    details = [
        ErrorDetail(
            name[:FIELD_LENGTH_MAXIMUM],
            "is not a parameter of this operation" if name not in known else "must be sent only once",
        )
        for name, values in request.GET.lists()
        if name not in known or len(values) > 1
    ]
    if details:
        raise ValidationFailed(details=details)

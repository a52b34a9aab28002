"""Hooks that schemathesis loads (SCHEMATHESIS_HOOKS): they keep its caller signed in, and record each response.

`CONTRACT` is a JSON object: the `url` of the server, the `authorization` of the caller, `ending`, the operations whose
success ends access, so that each request comes from an account of its own, `other_id` of the customer at whom other
changes are directed, and `responses`, the file to which each response to a request with a credential is appended.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import schemathesis

from tests.support.people import sign_up

QUERY_LENGTH_MAXIMUM = 16_000

contract = json.loads(os.environ["CONTRACT"])
client = httpx.Client(base_url=contract["url"], timeout=30)
responses = Path(contract["responses"])


@schemathesis.hook
def filter_query(_context: schemathesis.HookContext, query: dict[str, Any] | None) -> bool:
    """Leave out addresses that are longer than the server reads: their 414 is no response of an operation."""
    return len(urlencode(query or {}, doseq=True)) <= QUERY_LENGTH_MAXIMUM


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    """Authenticate the request, and direct what it changes at other accounts and at the current version."""
    if _operation_id(case) in contract["ending"]:
        person = sign_up(client)
        user_id, authorization = person.id, person.headers["Authorization"]
    else:
        user_id, authorization = contract["other_id"], contract["authorization"]
    case.headers["Authorization"] = authorization
    if "user_id" in case.path_parameters:
        case.path_parameters["user_id"] = user_id
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"


@schemathesis.hook
def after_call(_context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response) -> None:
    """Record the response, unless schemathesis has added another credential, left out ours, or uses another method."""
    sent = response.request.headers
    if not case.operation.definition.raw.get("security") or "X-API-Key" in sent or "Authorization" not in sent:
        return
    if response.status_code != httpx.codes.METHOD_NOT_ALLOWED:
        with responses.open("a") as file:
            file.write(json.dumps([_operation_id(case), response.status_code]) + "\n")


def _operation_id(case: schemathesis.Case) -> str:
    operation_id: str = case.operation.definition.raw["operationId"]
    return operation_id

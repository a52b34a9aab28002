"""The OpenAPI document changes only on purpose, documents the errors of each operation, and loads nothing from outside.

After an intended change, renew the reviewed document and read the difference:
`UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest tests/integration/config/test_openapi_snapshot.py`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.api import openapi_bytes

SNAPSHOT = Path(__file__).with_name("openapi.json")
HOW_TO_RENEW = (
    "The OpenAPI document differs from the reviewed one. If that is intended, renew it and read the difference: "
    f"UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest tests/integration/config/{Path(__file__).name}"
)
METHODS = {"get", "post", "patch", "put", "delete"}


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(openapi_bytes())
    return loaded


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def speaks_oauth(path: str) -> bool:
    """Return whether the operation's errors are RFC 6749's; 413 is the API application's, with the usual envelope."""
    return path.startswith("/api/v1/oauth/")


EACH_OPERATION = pytest.mark.parametrize(
    ("method", "path", "operation"), operations(), ids=lambda value: value if isinstance(value, str) else ""
)


def test_document_is_the_reviewed_one():
    now = json.dumps(document(), indent=2, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text(), HOW_TO_RENEW


def test_no_operation_has_password_hints_or_secret_questions():
    fields = set(re.findall(r'"(\w*(?:hint|question)\w*)":', json.dumps(document())))
    assert fields == {"token_type_hint"}  # RFC 7009, 2.1


def test_document_is_built_at_start():
    program = "import config.asgi, config.api as d; assert d.openapi_bytes.cache_info().currsize == 1"
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_operation_names_are_unique():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names) >= 20


@EACH_OPERATION
def test_operation_documents_its_errors(method: str, path: str, operation: dict[str, Any]):
    expected = {"500", "503"} if path != "/health/ready" else {"503"}
    expected |= {"401"} if "security" in operation else set()
    expected |= {"400", "413"} if "requestBody" in operation else set()
    # OAuth has only 400 for every error in a form (RFC 6749, 5.2).
    expected |= {"415", "422"} if "requestBody" in operation and not speaks_oauth(path) else set()
    expected |= {"422"} if operation.get("parameters") else set()
    expected |= {"403"} if any(scopes for each in operation.get("security", ()) for scopes in each.values()) else set()
    assert expected <= set(operation["responses"])


def test_operation_documents_required_scopes():
    needed = {
        operation["operationId"]: operation["security"]
        for _, _, operation in operations()
        if any(scopes for each in operation.get("security", ()) for scopes in each.values())
    }
    both = [{"BearerCredential": ["keys:verify"]}, {"ApiKeyCredential": ["keys:verify"]}]
    assert needed == {"verify_key": both, "verify_keys": both}
    assert "Requires the scope `keys:verify`." in document()["paths"]["/api/v1/keys/verify"]["post"]["description"]


@EACH_OPERATION
def test_errors_of_operation_are_envelopes(method: str, path: str, operation: dict[str, Any]):
    for status, response in operation["responses"].items():
        if int(status) >= 400 and path != "/health/ready":
            schema = response["content"]["application/json"]["schema"]
            shape = "OAuthErrorOut" if speaks_oauth(path) and status != "413" else "ErrorResponse"
            assert schema == {"$ref": f"#/components/schemas/{shape}"}


@EACH_OPERATION
def test_operation_is_described(method: str, path: str, operation: dict[str, Any]):
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]


async def test_served_document_is_this_one(api: httpx.AsyncClient):
    response = await api.get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert response.json() == document()


async def test_swagger_ui_loads_nothing_from_outside(api: httpx.AsyncClient):
    page = await api.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert [address for address in loaded if address.endswith(("swagger-ui-bundle.js", "swagger-ui.css"))]
    assert [address for address in loaded if not address.startswith("/static/")] == []
    assert "http://" not in page.text
    assert "https://" not in page.text

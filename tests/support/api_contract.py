"""The API's operations, read from its OpenAPI document, with a request for each that is valid by its schema."""

import json
import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx

SNAPSHOT = Path(__file__).parents[1] / "integration/config/openapi.json"
MISSING = 2**62
MADE_UP = "made-up-"
METHODS = {"get", "post", "put", "patch", "delete"}
_numbers = count(1)


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    parameters: frozenset[str]
    statuses: frozenset[int]
    is_public: bool
    body: dict[str, Any] | None
    answer: dict[str, Any]

    @property
    def path_parameters(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def is_paged(self) -> bool:
        return {"page", "size"} <= self.parameters

    async def call(self, api: httpx.AsyncClient, headers: dict[str, str], **ids: int) -> httpx.Response:
        """Send a valid request, with these ids in the path."""
        body = None if self.body is None else valid(self.body)
        return await api.request(self.method, self.path.format(**ids), headers=headers, json=body)


def operations() -> dict[str, Operation]:
    """Return all operations by name."""
    found = {}
    for path, methods in document()["paths"].items():
        for method in sorted(METHODS & set(methods)):
            described = methods[method]
            found[described["operationId"]] = Operation(
                name=described["operationId"],
                method=method.upper(),
                path=path,
                parameters=frozenset(parameter["name"] for parameter in described.get("parameters", [])),
                statuses=frozenset(map(int, described["responses"])),
                is_public=not described.get("security"),
                body=_json_schema(described.get("requestBody", {})),
                answer=_resolved(_json_schema(described["responses"].get("200", {})) or {"properties": {}}),
            )
    return found


def valid(schema: dict[str, Any], *, every_text: bool = False) -> Any:
    """Return a value that the schema allows; of an object the required fields, or every text too. Texts are unique."""
    schema = _resolved(schema)
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: valid(field, every_text=every_text) for name, field in _fields(schema, every_text).items()}
        case "array":
            least = 1 if every_text and _is_free_text(schema["items"]) else 0
            return [valid(schema["items"]) for _ in range(max(least, schema.get("minItems", 0)))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return _text(schema)


def texts(value: Any) -> set[str]:
    """Return the texts that `valid` made up, which occur nowhere else."""
    if isinstance(value, dict):
        return set().union(*map(texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(texts, value))
    return {value} if isinstance(value, str) and MADE_UP in value else set()


def _fields(schema: dict[str, Any], every_text: bool) -> dict[str, Any]:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    chosen = {
        name: field
        for name, field in properties.items()
        if name in required or (every_text and _holds_free_text(field))
    }
    return chosen or dict(list(properties.items())[:1])


def _holds_free_text(field: dict[str, Any]) -> bool:
    resolved = _resolved(field)
    return _is_free_text(resolved["items"] if resolved.get("type") == "array" else resolved)


def _is_free_text(field: dict[str, Any]) -> bool:
    resolved = _resolved(field)
    is_free = not {"enum", "const", "pattern"} & set(resolved) and resolved.get("format", "uri") in {"uri", "email"}
    return resolved.get("type") == "string" and is_free


def _text(schema: dict[str, Any]) -> str:
    number = next(_numbers)
    match schema.get("format"):
        case "email":
            return f"{MADE_UP}{number}@example.com"
        case "date-time":
            return "2999-01-01T00:00:00Z"
        case "uri":
            return f"https://example.com/{MADE_UP}{number}"
        case _:
            return _matching(schema, number)


def _matching(schema: dict[str, Any], number: int) -> str:
    candidates = (f"{MADE_UP}{number}", "1.5", "AAAA", "A" * 43)
    fitting = next(text for text in candidates if re.search(schema.get("pattern", ""), text))
    return fitting.ljust(schema.get("minLength", 0), "x")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document()["components"]["schemas"][name])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _resolved({**schema[several][0], **{key: schema[key] for key in schema if key != several}})
    return schema


def _json_schema(described: dict[str, Any]) -> dict[str, Any] | None:
    schema: dict[str, Any] | None = described.get("content", {}).get("application/json", {}).get("schema")
    return schema


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document, which `test_openapi_snapshot.py` keeps true."""
    loaded: dict[str, Any] = json.loads(SNAPSHOT.read_bytes())
    return loaded

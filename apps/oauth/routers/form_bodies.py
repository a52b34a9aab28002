"""How the forms that clients send are documented."""

from typing import Any

from apps.oauth.routers.oauth_request import FORM_TYPE

CLIENT = {
    "client_id": "the API key's id or visible prefix, where the client does not prove itself by HTTP Basic",
    "client_secret": "the API key, where the client does not prove itself by HTTP Basic",
}
TOKEN = {"token": "the token", "token_type_hint": "taken, and not needed: a token tells its own type"}


def form_body(required: str, fields: dict[str, str]) -> dict[str, Any]:
    """Return Ninja's `openapi_extra` for an operation that takes a form with these fields, one of them required."""
    properties = {name: {"type": "string", "description": description} for name, description in fields.items()}
    schema = {"type": "object", "properties": properties, "required": [required]}
    return {"requestBody": {"required": True, "content": {FORM_TYPE: {"schema": schema}}}}

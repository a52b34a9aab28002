"""How the service is."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema

State = Literal["ok", "unavailable"]


class Liveness(ResponseSchema):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(ResponseSchema):
    """Whether the service can do its work, and what it depends on for that."""

    status: Literal["ready", "unavailable"]
    dependencies: dict[str, State]

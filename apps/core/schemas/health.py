"""The health of the service."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema

State = Literal["ok", "unavailable"]


class Liveness(ResponseSchema):
    """The process is running."""

    status: Literal["ok"] = "ok"


class Readiness(ResponseSchema):
    """Whether the service is ready, and the state of each dependency."""

    status: Literal["ready", "unavailable"]
    dependencies: dict[str, State]

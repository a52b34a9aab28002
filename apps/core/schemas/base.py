"""The two kinds of schema: what clients send, and what they get."""

from pydantic import BaseModel, ConfigDict


class RequestSchema(BaseModel):
    """What a client sends: unknown fields are refused, and a refusal never repeats the value, which may be a secret."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ResponseSchema(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(frozen=True)

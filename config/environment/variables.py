"""How environment variables are read: the base of the settings of each subject, and the types that they share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class EnvironmentSettings(BaseSettings):
    """Fields are read from environment variables of the same names in upper case; an empty one counts as not set."""

    model_config = SettingsConfigDict(
        case_sensitive=False, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )


def matching(pattern: str, expectation: str) -> AfterValidator:
    """Return a validator whose error is the expectation in words, where Pydantic's own would show the pattern."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(expectation)
        return value

    return AfterValidator(check)


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]

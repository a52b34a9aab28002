"""The base class of the settings of each subject, and types that they share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class EnvironmentSettings(BaseSettings):
    """Settings from environment variables with the fields' names in upper case. An empty variable counts as not set."""

    model_config = SettingsConfigDict(
        case_sensitive=False, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )


def matching(pattern: str, expectation: str) -> AfterValidator:
    """Return a validator for the pattern, with the expectation in words as its error message."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(expectation)
        return value

    return AfterValidator(check)


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]

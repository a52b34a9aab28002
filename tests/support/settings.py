"""The environment variables that production requires."""

from collections.abc import Callable

import pytest

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 50,
    "DATABASE_URL": "postgresql://keyhouse:pw@db/keyhouse",
    "ALLOWED_HOSTS": "api.example.com",
}


def refusal(load: Callable[..., object], **variables: str) -> str:
    """Return the line with which the environment refuses these variables."""
    with pytest.raises(SystemExit) as stopped:
        load(**variables)
    message = stopped.value.code
    assert isinstance(message, str)
    assert message.startswith("keyhouse: ")
    assert "\n" not in message
    return message

"""Loads and validates all environment variables once, at start.

An invalid or missing value ends the process with one line that names the variable. Each subject has a module with its
fields, their validation, and their conversion to Django's settings. The variables OAUTH_<NAME>_…, with names that the
operator chooses, are read by `sign_in_providers.py`.
"""

import sys

from pydantic import ValidationError

from config.environment.accounts import AccountSettings, SessionSettings
from config.environment.database import DatabaseSettings
from config.environment.mail import MailSettings
from config.environment.passkeys import PasskeySettings
from config.environment.rate_limits import RateLimitSettings
from config.environment.sign_in_providers import SignInProviderSettings


class Environment(
    MailSettings,
    PasskeySettings,
    SignInProviderSettings,
    DatabaseSettings,
    RateLimitSettings,
    AccountSettings,
    SessionSettings,
):
    """The operator's configuration."""


def load_environment() -> Environment:
    """Return the validated environment, or end the process with one line that says what is wrong."""
    try:
        return Environment()
    except ValidationError as error:
        sys.exit(f"keyhouse: {describe(error)}")


def describe(error: ValidationError) -> str:
    """Return the first problem as `VARIABLE: reason`, without the value, which may be a secret."""
    problem = error.errors(include_input=False, include_url=False)[0]
    reason = problem["msg"].removeprefix("Value error, ")
    variable = ".".join(str(part) for part in problem["loc"]).upper()
    return f"{variable}: {reason}" if variable else reason

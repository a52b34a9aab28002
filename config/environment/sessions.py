"""How long sessions last, in seconds: unused, and at most."""

from pydantic import Field

from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS
from config.environment.variables import EnvironmentSettings

DAY_SECONDS = 24 * 3600
STAFF_SESSION_SECONDS_MINIMUM = 5 * 60  # the last use is stored once a minute


class SessionSettings(EnvironmentSettings):
    """Sessions of the API last at least as long as their first access token."""

    session_idle_seconds: int = Field(default=30 * DAY_SECONDS, ge=ACCESS_TOKEN_SECONDS)
    session_absolute_seconds: int = Field(default=180 * DAY_SECONDS, ge=ACCESS_TOKEN_SECONDS)
    staff_session_idle_seconds: int = Field(default=30 * 60, ge=STAFF_SESSION_SECONDS_MINIMUM)
    staff_session_absolute_seconds: int = Field(default=12 * 3600, ge=STAFF_SESSION_SECONDS_MINIMUM)

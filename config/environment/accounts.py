"""Accounts, their credits and their passwords: registration, erasure, and Django's AUTH_PASSWORD_VALIDATORS."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator

from apps.core.values.amounts import exact_amount
from apps.core.values.api_contract import ACCESS_TOKEN_SECONDS
from apps.users.repositories.known_passwords import BreachedPasswordFile
from apps.users.services.password_validators import WORD_LENGTH_MINIMUM
from config.environment.server import ServerSettings
from config.environment.variables import CommaSeparated, EnvironmentSettings


def _require_length(value: list[str]) -> list[str]:
    if any(len(word) < WORD_LENGTH_MINIMUM for word in value):
        raise ValueError(f"each word must have at least {WORD_LENGTH_MINIMUM} characters")
    return value


def _limit_of_credits(value: object) -> Decimal:
    amount = exact_amount(value)
    if amount < 0:
        raise ValueError("must not be negative")
    return amount


def _require_digests(value: str) -> str:
    if value:
        BreachedPasswordFile(Path(value)).check()
    return value


class AccountSettings(ServerSettings):
    """Who may register, which passwords are refused, and which postings of credits need a second person."""

    registration: Literal["open", "confirmed", "invite", "off"] = "open"
    require_verified_email: bool = False
    require_staff_second_factor: bool | None = None
    erase_after_days: int = Field(default=30, ge=1, le=3650)
    attempt_retention_days: int = Field(default=90, ge=1, le=3650)
    credit_approval_above: Annotated[Decimal, PlainValidator(_limit_of_credits)] | None = None
    password_length_minimum: int = Field(default=8, ge=8, le=64)
    password_context_words: Annotated[CommaSeparated, AfterValidator(_require_length)] = []
    breached_passwords_file: Annotated[str, AfterValidator(_require_digests)] = ""

    @property
    def staff_need_second_factor(self) -> bool:
        """Whether staff rights need a second factor; in production unless REQUIRE_STAFF_SECOND_FACTOR=false."""
        required = self.require_staff_second_factor
        return self.is_production if required is None else required


def password_validators(accounts: AccountSettings) -> list[dict[str, Any]]:
    """Return AUTH_PASSWORD_VALIDATORS."""
    return [
        {"NAME": "apps.users.services.password_validators.PasswordTextValidator"},
        {
            "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
            "OPTIONS": {"user_attributes": ("email", "username", "full_name")},
        },
        {
            "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
            "OPTIONS": {"min_length": accounts.password_length_minimum},
        },
        {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
        {
            "NAME": "apps.users.services.password_validators.ContextWordValidator",
            "OPTIONS": {"words": ["keyhouse", *accounts.password_context_words]},
        },
        # Replaces Django's CommonPasswordValidator: this validator's list includes Django's.
        {
            "NAME": "apps.users.services.password_validators.KnownPasswordValidator",
            "OPTIONS": {"breached_passwords_file": accounts.breached_passwords_file},
        },
    ]


DAY_SECONDS = 24 * 3600
STAFF_SESSION_SECONDS_MINIMUM = 5 * 60  # the last use is stored once a minute


class SessionSettings(EnvironmentSettings):
    """The lifetimes of sessions. Those of the API last at least as long as an access token."""

    session_idle_seconds: int = Field(default=30 * DAY_SECONDS, ge=ACCESS_TOKEN_SECONDS)
    session_absolute_seconds: int = Field(default=180 * DAY_SECONDS, ge=ACCESS_TOKEN_SECONDS)
    staff_session_idle_seconds: int = Field(default=30 * 60, ge=STAFF_SESSION_SECONDS_MINIMUM)
    staff_session_absolute_seconds: int = Field(default=12 * 3600, ge=STAFF_SESSION_SECONDS_MINIMUM)

"""Prepares the database, the static files and the first accounts before the server starts."""

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import ApiKeyCreate
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.database.connection_check import require_database
from apps.core.database.exclusive import exclusively
from apps.core.event_loop import call_service
from apps.usage.dependencies import usage_service
from apps.verification.dependencies import record_triggers
from config.secret_keys import claim_database

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

ADMINISTRATOR_EMAIL = "admin@keyhouse.localhost"
ADMINISTRATOR_USERNAME = "admin"
PASSWORD_BYTES = 15

logger = logging.getLogger("keyhouse.database")


@dataclass(frozen=True, slots=True)
class FirstSecrets:
    """Secrets that are shown once and stored only as hashes."""

    password: str
    service_key: str


def prepare(*, migrate: bool, with_first_accounts: bool) -> FirstSecrets | None:
    """Migrate, create the coming months' partitions, and collect static files; return the secrets of a first start.

    Safe when several machines start at once: one prepares, the others wait for it. Uses Django's synchronous ORM, as
    `migrate` does. Raises DatabaseUnusable, OtherSecretKey.
    """
    require_database(to_migrate=migrate)
    if migrate:
        call_command("migrate", interactive=False, verbosity=0)
    try:
        with exclusively():
            call_service(claim_database)
            call_service(usage_service().prepare_partitions)
            warn_of_faulty_triggers()
            call_command("collectstatic", interactive=False, verbosity=0)
            return create_first_accounts() if with_first_accounts else None
    finally:
        close_connections()


def warn_of_faulty_triggers() -> None:
    """Log what keeps verification from using cached records: it is slower then, so the start does not fail."""
    for problem, advice in call_service(record_triggers().problems).items():
        logger.warning("%s %s", problem, advice)


def create_first_accounts() -> FirstSecrets | None:
    """Create the administrator and the service key if no account exists, and return their secrets, else None.

    By Django's synchronous ORM, which `create_superuser` of Django's own user manager needs.
    """
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    administrator = users.create_superuser(ADMINISTRATOR_EMAIL, ADMINISTRATOR_USERNAME, password)
    new = ApiKeyCreate(name="First service key", scopes=[KEYS_VERIFY])
    key = call_service(api_key_service().create_first, administrator.pk, new)
    return FirstSecrets(password=password, service_key=key.api_key)


def close_connections() -> None:
    """Close this process' connections to the database, which the workers may need."""
    connections.close_all()
    cast("DatabaseWrapper", connection).close_pool()

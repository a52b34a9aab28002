"""The first accounts of an installation in development: an administrator and a service key."""

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import ApiKeyCreate
from apps.core.authorization.principal import OPERATOR
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.event_loop import call_service

ADMINISTRATOR_EMAIL = "admin@keyhouse.localhost"
ADMINISTRATOR_USERNAME = "admin"
PASSWORD_BYTES = 15


@dataclass(frozen=True, slots=True)
class FirstSecrets:
    """Secrets that are shown once and stored only as hashes."""

    password: str
    service_key: str


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
    key = call_service(api_key_service().create, OPERATOR, administrator.pk, new)
    return FirstSecrets(password=password, service_key=key.api_key)

"""Browsers that are signed in to the admin."""

import re
from datetime import timedelta
from typing import Any, override

from django.test import Client
from django.utils import timezone

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.models import Session
from apps.backoffice.admin.browser_session import SESSION_ID
from apps.users.models import User

REASON = "A test"
ASKS = re.compile(r"/(add|change|delete)/|[?&]id=")  # the addresses of forms that ask for a reason
HOST = "keyhouse.localhost"


class StaffClient(Client):
    """A browser in which forms are submitted with a reason, unless the test gives another one."""

    @override
    def post(self, path: Any, data: Any = None, *args: Any, **options: Any) -> Any:
        """Submit the form."""
        reason = {"reason": REASON} if ASKS.search(str(path)) else {}
        return super().post(path, {**reason, **(data or {})}, *args, **options)


def browser_of(user: User, **options: Any) -> Client:
    """Return a client in which the user is signed in to the admin, without a password."""
    client = StaffClient(SERVER_NAME=HOST, **options)
    client.force_login(user)
    session = client.session
    session[SESSION_ID] = admin_session(user).pk
    session.save()
    return client


def admin_session(user: User, **fields: Any) -> Session:
    """Create a session of the admin."""
    return Session.objects.create(
        user=user,
        kind=Session.Kind.ADMIN,
        family_digest=new_family().family_digest,
        **{
            "methods": ["pwd"],
            "last_used_at": timezone.now(),
            "expires_at": timezone.now() + timedelta(minutes=30),
            **fields,
        },
    )

"""Django's session store for browsers of staff, by Django's synchronous ORM."""

import secrets
from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.models import Session
from django.utils import timezone

KEY_BYTES = 24
DIGEST_HEXITS = 40  # as many as the column holds: 160 bits


class SessionStore(SessionBase):
    """Stores sessions in Django's own table under a digest of their key, so that the table does not reveal keys."""

    def load(self) -> dict[str, Any]:
        """Return the session's data; a key without a session is discarded."""
        row = self._rows(self.session_key or "").filter(expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        """Return whether there is a session with the key."""
        return bool(self._rows(session_key).exists())

    def create(self) -> None:
        """Store the current data under a new key."""
        self.items()  # loads the data before the key changes
        self._session_key = secrets.token_urlsafe(KEY_BYTES)
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Store the data; raises UpdateError when the session was deleted meanwhile."""
        if self.session_key is None:
            self.create()
            return
        fields = {"session_data": self.encode(dict(self.items())), "expire_date": self.get_expiry_date()}
        if must_create:
            Session.objects.create(session_key=_digest(self.session_key), **fields)
        elif not self._rows(self.session_key).update(**fields):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session with the key, or this one."""
        self._rows(session_key or self.session_key or "").delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete expired sessions."""
        Session.objects.filter(expire_date__lt=timezone.now()).delete()

    def _rows(self, key: str) -> Any:
        return Session.objects.filter(session_key=_digest(key))


def _digest(key: str) -> str:
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:DIGEST_HEXITS]

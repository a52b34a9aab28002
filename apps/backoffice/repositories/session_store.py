"""Where Django keeps what it knows of a browser at the staff door."""

import secrets
from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.models import Session
from django.utils import timezone

KEY_BYTES = 24
DIGEST_HEXITS = 40  # as many as the column holds: 160 bits


class SessionStore(SessionBase):
    """In Django's own table, under a digest of each key: whoever reads the table can sign in as nobody."""

    def load(self) -> dict[str, Any]:
        """Return what is kept under the browser's key; a key under which there is nothing is forgotten."""
        kept = self._kept(self.session_key or "").filter(expire_date__gt=timezone.now()).first()
        if kept is None:
            self._session_key = None
            return {}
        return self.decode(kept.session_data)

    def exists(self, session_key: str) -> bool:
        """Return whether something is kept under the key."""
        return bool(self._kept(session_key).exists())

    def create(self) -> None:
        """Take a new key, and keep under it what is known by now."""
        self.items()  # read, if need be, before there is a key under which there is nothing
        self._session_key = secrets.token_urlsafe(KEY_BYTES)
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Keep what is known; raises UpdateError when it has been forgotten meanwhile."""
        if self.session_key is None:
            self.create()
            return
        fields = {"session_data": self.encode(dict(self.items())), "expire_date": self.get_expiry_date()}
        if must_create:
            Session.objects.create(session_key=_digest(self.session_key), **fields)
        elif not self._kept(self.session_key).update(**fields):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        """Forget what is kept under the key, or under the browser's own."""
        self._kept(session_key or self.session_key or "").delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Forget what nobody comes back to."""
        Session.objects.filter(expire_date__lt=timezone.now()).delete()

    def _kept(self, key: str) -> Any:
        return Session.objects.filter(session_key=_digest(key))


def _digest(key: str) -> str:
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:DIGEST_HEXITS]

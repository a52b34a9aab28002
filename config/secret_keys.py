"""The secret key of the database: which one it is, and its rotation.

What is derived from SECRET_KEY is listed in docs/operating.md, "Rotating SECRET_KEY". It is made with SECRET_KEY, and
read with SECRET_KEY_FALLBACKS too.
"""

from collections import Counter
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings

from apps.core.crypto.encryption import reencrypted
from apps.core.database.orm.queries import fetch_all
from apps.core.database.orm.writes import update
from apps.core.database.statements import fetch_rows, load_statements
from apps.core.declarations import EncryptedField, app_declarations
from apps.core.schemas.base import ResponseSchema

SQL = load_statements(Path(__file__).with_name("secret_keys.sql"))
FINGERPRINT_BYTES = 32
BATCH_ROWS = 200


class OtherSecretKey(Exception):
    """The database was used with another SECRET_KEY; the message says what to do."""


class Reencrypted(ResponseSchema):
    """How many secrets were encrypted with the present SECRET_KEY, and how many no key can read."""

    reencrypted: int
    unreadable: int


async def claim_database() -> None:
    """Store the fingerprint of SECRET_KEY, unless the database was used with a key that is not configured.

    One statement: of several first starts with different keys exactly one succeeds. Raises OtherSecretKey.
    """
    own, *former = [fingerprint(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    if not await fetch_rows(SQL["claim"], {"own": own, "accepted": [own, *former]}):
        raise OtherSecretKey(
            "SECRET_KEY is not the key that this database was used with. To rotate it, put the former key into "
            "SECRET_KEY_FALLBACKS. If the former key is lost, run `manage.py accept_secret_key`."
        )


async def accept_secret_key() -> None:
    """Store the fingerprint of SECRET_KEY, whatever key the database was used with."""
    await fetch_rows(SQL["accept"], {"own": fingerprint(settings.SECRET_KEY)})


def fingerprint(secret_key: str) -> bytes:
    """Return what identifies the key, and reveals nothing of it (HKDF, RFC 5869)."""
    derivation = HKDF(SHA256(), length=FINGERPRINT_BYTES, salt=None, info=b"keyhouse fingerprint of SECRET_KEY")
    return derivation.derive(secret_key.encode())


async def reencrypt() -> Reencrypted:
    """Encrypt with SECRET_KEY what was encrypted with a fallback. Safe to run at any time, and concurrently."""
    done = Counter[str]()
    for declaration in app_declarations().values():
        for field in declaration.encrypted_fields:
            await _reencrypt_field(field, done)
    return Reencrypted(reencrypted=done["reencrypted"], unreadable=done["unreadable"])


async def _reencrypt_field(field: EncryptedField, done: Counter[str]) -> None:
    rows = apps.get_model(field.model)._default_manager.exclude(**{field.name: None}).order_by("pk")
    last = 0
    while batch := await fetch_all(rows.filter(pk__gt=last)[:BATCH_ROWS]):
        for row in batch:
            before = bytes(getattr(row, field.name))
            after = reencrypted(before, field.purpose)
            if after is None:
                done["unreadable"] += 1
            elif after != before:
                unchanged = rows.filter(pk=row.pk, **{field.name: before})  # another process may have written it
                done["reencrypted"] += await update(unchanged, **{field.name: after})
        last = batch[-1].pk

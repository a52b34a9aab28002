"""The keys that sign access tokens, and how they are kept."""

import asyncio
import secrets
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from apps.authentication.models import SigningKey
from apps.authentication.services import signing_keys
from apps.authentication.services.signing_keys import (
    KID_BYTES,
    NOTICE_SECONDS,
    OVERLAP_SECONDS,
    KeyRotation,
    decrypt,
    encrypt,
)
from apps.core.authorization.principal import OPERATOR
from apps.core.crypto.signing_algorithms import SigningAlgorithm, algorithm_of, private_bytes, public_bytes
from apps.core.errors import NotAllowed, Unavailable
from tests.support.callers import session_of, staff_of
from tests.support.fakes import FakeAudit
from tests.support.rings import FakeSigningKeys, new_ring

pytestmark = pytest.mark.unit

EACH_ALGORITHM = pytest.mark.parametrize("algorithm", SigningAlgorithm)
OTHER_SECRET = "another secret key, as after a change" * 2


def test_encrypted_secret_can_be_decrypted():
    assert decrypt(encrypt(b"secret")) == b"secret"
    assert encrypt(b"secret") != encrypt(b"secret")
    assert b"secret" not in encrypt(b"secret")


def test_another_secret_key_decrypts_nothing(settings):
    encrypted = encrypt(b"secret")
    settings.SECRET_KEY = OTHER_SECRET
    assert decrypt(encrypted) is None


@pytest.mark.parametrize("tampered", [b"", b"garbage", b"gAAAAA"])
def test_tampered_secret_is_not_decrypted(tampered):
    assert decrypt(tampered) is None
    assert decrypt(encrypt(b"secret")[:-4]) is None


async def test_first_use_makes_the_key_that_later_ones_use():
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    first, again, of_another_process = [await each.signing_key() for each in (ring, ring, new_ring(rows))]
    assert first[0] == again[0] == of_another_process[0] == rows.rows[0].kid
    assert len(rows.rows) == 1


@EACH_ALGORITHM
async def test_private_half_is_not_stored_in_clear(algorithm: SigningAlgorithm):
    rows = FakeSigningKeys()
    _, private = await new_ring(rows, algorithm).signing_key()
    row = rows.rows[0]
    assert private_bytes(private) not in bytes(row.private_key_encrypted)
    assert decrypt(bytes(row.private_key_encrypted)) == private_bytes(private)
    assert bytes(row.public_key) == public_bytes(private.public_key())


async def test_key_of_earlier_releases_is_read():
    """An Ed25519 key is stored as its 32 bytes."""
    rows, private = FakeSigningKeys(), Ed25519PrivateKey.generate()
    old = {
        "public_key": private.public_key().public_bytes_raw(),
        "private_key_encrypted": encrypt(private.private_bytes_raw()),
    }
    rows.rows = [SigningKey(kid=made_up_kid(), signs_at=timezone.now(), **old)]
    kid, read = await new_ring(rows).signing_key()
    assert (kid, private_bytes(read)) == (rows.rows[0].kid, private.private_bytes_raw())
    assert await new_ring(rows).public_key(kid) == private.public_key()


async def test_new_key_signs_after_a_change_of_the_secret_key_and_the_old_one_verifies(settings):
    rows = FakeSigningKeys()
    old_kid, old_private = await new_ring(rows).signing_key()
    settings.SECRET_KEY = OTHER_SECRET
    ring = new_ring(rows)
    new_kid, _ = await ring.signing_key()
    assert new_kid != old_kid
    assert await ring.public_key(old_kid) == old_private.public_key()
    assert [key["kid"] for key in (await ring.jwks())["keys"]] == [new_kid, old_kid]


async def test_key_of_another_process_is_found_and_cached():
    rows = FakeSigningKeys()
    reader = new_ring(rows)
    assert await reader.public_key("unknown") is None
    kid, private = await new_ring(rows).signing_key()
    assert await reader.public_key(kid) == private.public_key()
    reads = rows.reads
    assert await reader.public_key(kid) == private.public_key()
    assert rows.reads == reads


@pytest.mark.parametrize(
    ("algorithm", "members", "reader"),
    [
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": None}, OKPAlgorithm),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": None, "y": None}, ECAlgorithm),
        ("RS256", {"kty": "RSA", "n": None, "e": "AQAB"}, RSAAlgorithm),
    ],
)
async def test_only_public_halves_are_published(algorithm: str, members: dict[str, Any], reader: Any):
    ring = new_ring(algorithm=SigningAlgorithm(algorithm))
    (published,) = (await ring.jwks())["keys"]
    kid, private = await ring.signing_key()
    expected = {"use": "sig", "alg": algorithm, "kid": kid, **members}
    assert {name: published[name] if value else None for name, value in expected.items()} == expected
    assert published.keys() == expected.keys()
    assert reader.from_jwk(published) == private.public_key()


async def test_keys_of_both_algorithms_are_published_while_one_replaces_the_other():
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    old_kid, old_private = await ring.signing_key()
    keys: Any = rows
    audit: Any = FakeAudit()
    made = await KeyRotation(keys, audit, SigningAlgorithm.ES256).rotate(OPERATOR)
    assert made.algorithm == "ES256"
    assert [(key["kid"], key["alg"]) for key in (await ring.jwks())["keys"]] == [
        (made.kid, "ES256"),
        (old_kid, "EdDSA"),
    ]
    assert (await ring.signing_key())[0] == old_kid
    rows.rows[0].signs_at = timezone.now()
    kid, private = await ring.signing_key()
    assert (kid, algorithm_of(private)) == (made.kid, "ES256")
    assert await ring.public_key(old_kid) == old_private.public_key()


async def rotate(rows: FakeSigningKeys) -> str:
    keys: Any = rows
    audit: Any = FakeAudit()
    return (await KeyRotation(keys, audit).rotate(OPERATOR)).kid


def made_up_kid() -> str:
    return secrets.token_urlsafe(KID_BYTES)


async def test_new_key_is_published_before_it_signs():
    rows = FakeSigningKeys()
    one, other = new_ring(rows), new_ring(rows)
    old_kid, _ = await one.signing_key()
    assert (await other.signing_key())[0] == old_kid
    new_kid = await rotate(rows)
    assert [(await ring.signing_key())[0] for ring in (one, other)] == [old_kid] * 2
    assert [key["kid"] for key in (await one.jwks())["keys"]] == [new_kid, old_kid]
    rows.rows[0].signs_at = timezone.now()
    assert [(await ring.signing_key())[0] for ring in (one, other)] == [new_kid] * 2
    assert [key["kid"] for key in (await one.jwks())["keys"]] == [new_kid, old_kid]


async def test_old_key_verifies_until_it_retires(monkeypatch):
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    old_kid, private = await ring.signing_key()
    await rotate(rows)
    (old,) = [row for row in rows.rows if row.kid == old_kid]
    assert old.retires_at is not None
    assert abs(old.retires_at - timezone.now() - timedelta(seconds=NOTICE_SECONDS + OVERLAP_SECONDS)) < timedelta(
        seconds=5
    )
    assert await new_ring(rows).public_key(old_kid) == private.public_key()
    old.retires_at = timezone.now()
    assert await new_ring(rows).public_key(old_kid) is None
    assert await ring.public_key(old_kid) == private.public_key()  # not looked since, and not for long
    monkeypatch.setattr(signing_keys, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(signing_keys, "READ_INTERVAL_SECONDS", 0.0)
    assert await ring.public_key(old_kid) is None


async def test_retired_key_is_rejected_within_five_seconds(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(signing_keys, "monotonic", lambda: clock[0])
    rows = FakeSigningKeys()
    warm = new_ring(rows)
    kid, private = await warm.signing_key()
    reads = rows.reads
    rows.rows[0].retires_at = timezone.now()  # as `rotate_signing_key --compromised` has it
    for seconds, accepted in ((4.9, private.public_key()), (5.1, None)):
        clock[0] = 1000.0 + seconds
        assert await warm.public_key(kid) == accepted
        assert rows.reads == (reads if accepted else reads + 1)


async def test_made_up_ids_cost_no_read_each():
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    found = await asyncio.gather(*(ring.public_key(made_up_kid()) for _ in range(200)))
    assert set(found) == {None}
    assert rows.reads <= 3


async def test_malformed_id_costs_no_read():
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    for kid in ("", "x" * 21, "x" * 23, "x" * 21 + "=", "x" * 22 + "\n"):
        assert await ring.public_key(kid) is None
    assert rows.reads == 0


async def test_new_key_is_found_among_made_up_ids():
    rows = FakeSigningKeys()
    reader = new_ring(rows)
    assert await reader.public_key(made_up_kid()) is None
    kid, private = await new_ring(rows).signing_key()
    requests = [reader.public_key(made_up_kid()) for _ in range(20)]
    found = await asyncio.gather(*requests, reader.public_key(kid), *[reader.public_key(kid) for _ in range(5)])
    assert found == [None] * 20 + [private.public_key()] * 6


async def test_one_caller_renews_a_stale_view(monkeypatch):
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    kid, private = await ring.signing_key()
    monkeypatch.setattr(signing_keys, "CACHE_SECONDS", 0.0)
    await asyncio.sleep(signing_keys.READ_INTERVAL_SECONDS + 0.05)
    before = rows.reads
    assert await asyncio.gather(*(ring.public_key(kid) for _ in range(50))) == [private.public_key()] * 50
    assert rows.reads == before + 1


async def test_failed_read_is_retried(monkeypatch):
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    kid, private = await new_ring(rows).signing_key()
    with monkeypatch.context() as broken:
        broken.setattr(rows, "all", fail)
        with pytest.raises(Unavailable):
            await ring.public_key(kid)
    assert await ring.public_key(kid) == private.public_key()


async def fail() -> list[Any]:
    raise Unavailable


@pytest.mark.parametrize("actor", [session_of(1), staff_of(1)])
async def test_only_superusers_rotate_keys(actor):
    rows: Any = FakeSigningKeys()
    audit: Any = FakeAudit()
    with pytest.raises(NotAllowed):
        await KeyRotation(rows, audit).rotate(actor)
    assert (rows.rows, audit.entries) == ([], [])

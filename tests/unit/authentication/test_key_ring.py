"""The keys that sign access tokens, and how they are kept."""

import pytest
from jwt.algorithms import OKPAlgorithm

from apps.authentication.services.key_encryption import decrypt, encrypt
from tests.support.rings import FakeSigningKeys, new_ring

pytestmark = pytest.mark.unit

OTHER_SECRET = "another secret key, as after somebody has changed it" * 2


def test_what_is_encrypted_can_be_read_again():
    assert decrypt(encrypt(b"secret")) == b"secret"
    assert encrypt(b"secret") != encrypt(b"secret")
    assert b"secret" not in encrypt(b"secret")


def test_only_under_the_same_secret_key(settings):
    encrypted = encrypt(b"secret")
    settings.SECRET_KEY = OTHER_SECRET
    assert decrypt(encrypted) is None


@pytest.mark.parametrize("tampered", [b"", b"garbage", b"gAAAAA"])
def test_what_was_tampered_with_is_not_read(tampered):
    assert decrypt(tampered) is None
    assert decrypt(encrypt(b"secret")[:-4]) is None


async def test_the_first_use_makes_a_key_and_later_ones_use_it():
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    first, again, of_another_process = [await each.signing_key() for each in (ring, ring, new_ring(rows))]
    assert first[0] == again[0] == of_another_process[0] == rows.rows[0].kid
    assert len(rows.rows) == 1


async def test_the_private_half_is_not_stored_in_clear():
    rows = FakeSigningKeys()
    _, private = await new_ring(rows).signing_key()
    row = rows.rows[0]
    assert private.private_bytes_raw() not in bytes(row.private_key_encrypted)
    assert decrypt(bytes(row.private_key_encrypted)) == private.private_bytes_raw()
    assert bytes(row.public_key) == private.public_key().public_bytes_raw()


async def test_after_a_change_of_the_secret_key_a_new_key_signs_and_the_old_one_still_verifies(settings):
    rows = FakeSigningKeys()
    old_kid, old_private = await new_ring(rows).signing_key()
    settings.SECRET_KEY = OTHER_SECRET
    ring = new_ring(rows)
    new_kid, _ = await ring.signing_key()
    assert new_kid != old_kid
    assert await ring.public_key(old_kid) == old_private.public_key()
    assert [key["kid"] for key in (await ring.jwks())["keys"]] == [new_kid, old_kid]


async def test_a_key_that_another_process_made_is_found_and_then_kept():
    rows = FakeSigningKeys()
    reader = new_ring(rows)
    assert await reader.public_key("unknown") is None
    kid, private = await new_ring(rows).signing_key()
    assert await reader.public_key(kid) == private.public_key()
    reads = rows.reads
    assert await reader.public_key(kid) == private.public_key()
    assert rows.reads == reads


async def test_publishes_public_halves_alone():
    rows = FakeSigningKeys()
    ring = new_ring(rows)
    (published,) = (await ring.jwks())["keys"]
    assert set(published) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert (published["kty"], published["crv"], published["alg"]) == ("OKP", "Ed25519", "EdDSA")
    _, private = await ring.signing_key()
    assert OKPAlgorithm.from_jwk(published) == private.public_key()

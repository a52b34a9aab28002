"""The fingerprint of SECRET_KEY in the database, and the encryption of stored secrets with a new key."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import BinaryField
from pytest_django.fixtures import Settings

from apps.authentication.models import SigningKey
from apps.authentication.services.signing_keys import new_key
from apps.core.conventions.own_apps import own_apps
from apps.core.crypto.encryption import decrypt
from apps.core.crypto.signing_algorithms import SigningAlgorithm
from apps.core.database.statements import fetch_rows
from apps.core.declarations import app_declarations
from apps.core.event_loop import call_service
from apps.core.models import SecretKeyFingerprint
from apps.mail.models import OutgoingMail
from apps.second_factors.models import TotpDevice
from apps.second_factors.services.codes import PURPOSE, encrypt_secret
from config.secret_keys import SQL, OtherSecretKey, accept_secret_key, claim_database, fingerprint, reencrypt
from tests.support.factories import make_user
from tests.support.orm import make, rows

NEW = "a new secret key, with which the tests rotate the former one"
MACHINES = 8
# Deleted after a day, and readable only with the client's idempotency key, so that it cannot be encrypted again.
EXPIRING = {("idempotency.IdempotentResponse", "response_encrypted")}


async def test_first_start_stores_a_fingerprint_and_not_the_key(database: None, settings: Settings):
    await claim_database()
    await claim_database()
    (stored,) = await rows(SecretKeyFingerprint.objects.all())
    assert bytes(stored.fingerprint) == fingerprint(settings.SECRET_KEY)
    assert settings.SECRET_KEY.encode() not in bytes(stored.fingerprint)


async def test_other_key_is_refused_until_the_former_is_a_fallback(database: None, settings: Settings):
    await claim_database()
    former, settings.SECRET_KEY = settings.SECRET_KEY, NEW
    with pytest.raises(OtherSecretKey, match="put the former key into SECRET_KEY_FALLBACKS"):
        await claim_database()
    settings.SECRET_KEY_FALLBACKS = [former]
    await claim_database()
    settings.SECRET_KEY_FALLBACKS = []
    await claim_database()
    settings.SECRET_KEY = former
    with pytest.raises(OtherSecretKey):
        await claim_database()
    await accept_secret_key()
    await claim_database()


async def test_machines_of_a_rolling_restart_may_start_in_any_order(database: None, settings: Settings):
    former = settings.SECRET_KEY
    await claim_database()
    for present, other in [(NEW, former), (former, NEW), (NEW, former)]:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = present, [other]
        await claim_database()


@pytest.mark.usefixtures("database")
def test_of_several_first_starts_with_different_keys_one_succeeds():
    barrier, claimed = Barrier(MACHINES), []

    def start(key: str) -> None:
        own = fingerprint(key)
        barrier.wait()
        claimed.extend(call_service(fetch_rows, SQL["claim"], {"own": own, "accepted": [own]}))

    machines = [Thread(target=start, args=[f"key {number}"]) for number in range(MACHINES)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join()
    assert claimed == [(1,)]


@pytest.mark.usefixtures("database")
def test_command_accepts_a_key_when_the_former_is_lost(settings: Settings):
    call_service(claim_database)
    settings.SECRET_KEY = NEW
    call_command("accept_secret_key")
    call_service(claim_database)


async def test_stored_secrets_are_encrypted_again(database: None, settings: Settings):
    secret = "JBSWY3DPEHPK3PXP" * 2
    user = await make(make_user)
    device: dict[str, Any] = {"user": user, "secret_encrypted": encrypt_secret(secret)}
    await make(TotpDevice.objects.create, **device)
    signing_key = await new_key(SigningAlgorithm.EDDSA)
    await make(signing_key.save)
    former, settings.SECRET_KEY = settings.SECRET_KEY, NEW
    assert (await reencrypt()).model_dump() == {"reencrypted": 0, "unreadable": 2}
    settings.SECRET_KEY_FALLBACKS = [former]
    assert (await reencrypt()).model_dump() == {"reencrypted": 2, "unreadable": 0}
    assert (await reencrypt()).model_dump() == {"reencrypted": 0, "unreadable": 0}
    settings.SECRET_KEY_FALLBACKS = []
    (stored,) = await rows(TotpDevice.objects.all())
    assert decrypt(bytes(stored.secret_encrypted), PURPOSE) == secret.encode()
    assert (await reencrypt()).model_dump() == {"reencrypted": 0, "unreadable": 0}


def test_every_encrypted_column_is_declared():
    columns = {
        (model._meta.label, field.name)
        for config in own_apps()
        for model in apps.get_app_config(config.label).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField) and field.name.endswith("_encrypted")
    }
    declared = {(field.model, field.name) for app in app_declarations().values() for field in app.encrypted_fields}
    assert declared == columns - EXPIRING
    assert {SigningKey._meta.label, OutgoingMail._meta.label, TotpDevice._meta.label} <= {
        label for label, _ in declared
    }

"""Who may create an account, and how it is created."""

from typing import Any

import pytest
from pydantic import SecretStr

from apps.core.crypto.passwords import password_matches
from apps.core.database.open_transaction import require_transaction
from apps.core.database.transaction import transaction
from apps.core.errors import ValidationFailed
from apps.users.schemas.user import UserCreate
from apps.users.services.in_transaction.account_creation import AccountCreation
from apps.users.services.in_transaction.federated_registration import FederatedRegistration, username_stem
from apps.users.services.registration import Registration
from apps.users.services.registration_mode import InvitationRequired, RegistrationClosed
from tests.support.fakes import FakeAudit, FakeUsers

pytestmark = pytest.mark.unit

PASSWORD = "correct horse battery staple"
NEW = UserCreate(email="n@example.com", username="n", password=SecretStr(PASSWORD))


class NoInvitations:
    """No address was invited."""

    async def lock_by_address(self, _email: str) -> None:
        require_transaction("lock an invitation")


class FakeVerification:
    """Verification messages in memory, enqueued inside a transaction."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str]] = []

    async def enqueue(self, user_id: int, email: str) -> None:
        require_transaction("enqueue a message")
        self.sent.append((user_id, email))


@pytest.fixture
def users():
    return FakeUsers()


@pytest.fixture
def audit():
    return FakeAudit()


@pytest.fixture
def verification():
    return FakeVerification()


@pytest.fixture
def creation(users: Any, audit: Any) -> AccountCreation:
    return AccountCreation(users, audit)


@pytest.fixture
def registration(users: Any, creation: AccountCreation, verification: Any) -> Registration:
    none: Any = NoInvitations()
    return Registration(users, creation, verification, none, none)


@pytest.fixture
def federated(creation: AccountCreation) -> FederatedRegistration:
    none: Any = NoInvitations()
    return FederatedRegistration(creation, none)


async def test_signs_up_with_a_hash_and_without_the_password_in_the_audit(registration, users, audit, verification):
    out = await registration.sign_up(NEW)
    ((_, fields, is_verified),) = users.calls
    assert (out.email, is_verified) == ("n@example.com", False)
    assert await password_matches(PASSWORD, fields.pop("password"))
    assert fields == {"email": "n@example.com", "username": "n", "full_name": "", "plan_id": 1}
    (entry,) = audit.entries
    assert (entry.action, entry.target_kind, entry.actor.user_id) == ("user.created", "user", out.id)
    assert entry.after == {"email": "n@example.com", "username": "n", "full_name": ""}
    assert verification.sent == [(out.id, "n@example.com")]


async def test_weak_password_is_rejected(registration, users):
    with pytest.raises(ValidationFailed):
        await registration.sign_up(NEW.model_copy(update={"password": SecretStr("password")}))
    assert users.calls == []


@pytest.mark.parametrize(("mode", "refusal"), [("off", RegistrationClosed), ("invite", InvitationRequired)])
async def test_anonymous_callers_do_not_sign_up_where_registration_is_off_or_by_invitation(
    registration, federated, users, settings, mode, refusal
):
    settings.REGISTRATION = mode
    with pytest.raises(refusal):
        await registration.sign_up(NEW)
    with pytest.raises(refusal):
        async with transaction():
            await federated.register("n@example.com", "N")
    assert users.calls == []


@pytest.mark.parametrize("email", ["", "nobody", "a@example.com\r\nBcc: b@example.com", "a\x00@example.com"])
async def test_provider_s_invalid_address_creates_no_account(federated, users, email):
    with pytest.raises(ValidationFailed):
        async with transaction():
            await federated.register(email, "")
    assert users.calls == []


@pytest.mark.parametrize(
    ("email", "stem"),
    [
        ("ann.b-c_d@example.com", "ann.b-c_d"),
        ("ann+news@example.com", "annnews"),
        ("æøå@example.com", "user"),
        (f"{'x' * 200}@example.com", "x" * 100),
    ],
)
def test_username_stem(email, stem):
    assert username_stem(email) == stem

"""Who may make an account, and how it is made."""

from typing import Any

import pytest
from pydantic import SecretStr

from apps.core.crypto.passwords import password_matches
from apps.core.errors import ValidationFailed
from apps.users.schemas.user import UserCreate
from apps.users.services.in_transaction.federated_registration import username_stem
from apps.users.services.registration import Registration
from apps.users.services.registration_mode import InvitationRequired, RegistrationClosed
from tests.support.fakes import FakeUsers

pytestmark = pytest.mark.unit

PASSWORD = "correct horse battery staple"
NEW = UserCreate(email="n@example.com", username="n", password=SecretStr(PASSWORD))


class NoInvitations:
    """Nobody is invited, and nobody asked to confirm anything."""

    def good_for_address(self, _email: str) -> None:
        return None


@pytest.fixture
def users():
    return FakeUsers()


@pytest.fixture
def registration(users: Any) -> Registration:
    nobody: Any = NoInvitations()
    return Registration(users, nobody, nobody)


async def test_signs_up_with_a_hash_and_without_the_password_in_the_audit(registration, users):
    out = await registration.sign_up(NEW)
    _, fields, password_hash, audit = users.calls[0]
    assert out.email == "n@example.com"
    assert fields == {"email": "n@example.com", "username": "n", "full_name": ""}
    assert await password_matches(PASSWORD, password_hash)
    assert (audit.action, audit.target_kind, audit.after) == ("user.created", "user", fields)


async def test_nobody_signs_up_with_a_weak_password(registration, users):
    with pytest.raises(ValidationFailed):
        await registration.sign_up(NEW.model_copy(update={"password": SecretStr("password")}))
    assert users.calls == []


@pytest.mark.parametrize(("mode", "refusal"), [("off", RegistrationClosed), ("invite", InvitationRequired)])
async def test_no_stranger_signs_up_where_registration_is_off_or_by_invitation(
    registration, users, settings, mode, refusal
):
    settings.REGISTRATION = mode
    with pytest.raises(refusal):
        await registration.sign_up(NEW)
    with pytest.raises(refusal):
        registration.register_federated("n@example.com", "N")
    assert users.calls == []


@pytest.mark.parametrize("email", ["", "nobody", "a@example.com\r\nBcc: b@example.com", "a\x00@example.com"])
def test_no_account_is_made_of_what_is_no_address(registration, users, email):
    with pytest.raises(ValidationFailed):
        registration.register_federated(email, "")
    assert users.calls == []


@pytest.mark.parametrize(
    ("email", "start"),
    [
        ("ann.b-c_d@example.com", "ann.b-c_d"),
        ("ann+news@example.com", "annnews"),
        ("æøå@example.com", "user"),
        (f"{'x' * 200}@example.com", "x" * 100),
    ],
)
def test_what_a_user_name_begins_with(email, start):
    assert username_stem(email) == start

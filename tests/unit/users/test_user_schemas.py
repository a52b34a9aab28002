"""What clients send and get of accounts."""

import pytest
from pydantic import ValidationError

from apps.users.schemas.user import UserCreate, UserOut, UserQuery, UserUpdate
from tests.support.fakes import unsaved_user

pytestmark = pytest.mark.unit

NEW = {"email": "ann@example.com", "username": "ann", "password": "hunter2hunter2"}


def fields_refused(kind, values) -> set[str]:
    with pytest.raises(ValidationError) as refusal:
        kind.model_validate(values)
    assert "hunter2" not in str(refusal.value)
    return {str(problem["loc"][0]) for problem in refusal.value.errors()}


@pytest.mark.parametrize(
    "email", ["a@b.co", "a+tag@example.com", "O'Hara_1%{x}@example.com", "ann@localhost", "x" * 64 + "@example.com"]
)
def test_valid_address_is_accepted(email):
    assert UserCreate.model_validate({**NEW, "email": email}).email == email


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ann@exämple.de", "ann@xn--exmple-cua.de"),
        ("Ann@EXÄMPLE.De", "Ann@xn--exmple-cua.de"),
        ("\uff21DMIN\uff20example\uff0ecom", "ADMIN@example.com"),
    ],
)
def test_stores_an_address_in_one_form(typed, stored):
    for kind, values in ((UserCreate, {**NEW, "email": typed}), (UserUpdate, {"email": typed})):
        assert kind.model_validate(values).email == stored


def test_spaces_around_an_address_are_removed():
    assert UserCreate.model_validate({**NEW, "email": " ann@example.com "}).email == "ann@example.com"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "ann@@example.com",
        "ann@exa mple.com",
        "ann\x00@example.com",
        "ann@example.com\nbcc: x@example.com",
        "a" * 250 + "@b.co",
        "änn@example.com",
        "\u0430nn@example.com",  # a Cyrillic a
        "ann\u200d@example.com",
        '"ann"@example.com',
        '"\x1b[2J"@example.com',
        "ann@[127.0.0.1]",
        "ann@[::1]",
        "ann@" + "ä" * 60 + "." + "ä" * 60 + "." + "ä" * 60 + "." + "ä" * 55 + ".de",
        5,
        None,
        ["ann@example.com"],
    ],
)
def test_invalid_address_is_rejected(email):
    assert fields_refused(UserCreate, {**NEW, "email": email}) == {"email"}


@pytest.mark.parametrize("username", ["a", "Ann.B-c_d+e@f", "x" * 150])
def test_valid_user_name_is_accepted(username):
    assert UserCreate.model_validate({**NEW, "username": username}).username == username


@pytest.mark.parametrize("username", ["", " ann", "a b", "ann\n", "ann\x00", "<b>", "änn", "x" * 151, 5, None])
def test_invalid_user_name_is_rejected(username):
    assert fields_refused(UserCreate, {**NEW, "username": username}) == {"username"}


@pytest.mark.parametrize("password", ["", "x" * 257, "hunter2\x00", 12345678, None])
def test_malformed_password_is_rejected(password):
    assert fields_refused(UserCreate, {**NEW, "password": password}) == {"password"}


def test_password_is_kept_as_typed_and_never_shown():
    new = UserCreate.model_validate({**NEW, "password": " hunter2 "})
    assert new.password.get_secret_value() == " hunter2 "
    assert "hunter2" not in repr(new)
    assert "hunter2" not in str(new.model_dump())
    assert "hunter2" not in new.model_dump_json()


@pytest.mark.parametrize("unknown", ["is_staff", "is_superuser", "plan", "id", "password_hash", "email_verified_at"])
def test_unknown_field_of_a_sign_up_is_rejected(unknown):
    assert fields_refused(UserCreate, {**NEW, unknown: True}) == {unknown}


@pytest.mark.parametrize("missing", ["email", "username", "password"])
def test_missing_field_of_a_sign_up_is_rejected(missing):
    assert fields_refused(UserCreate, {name: NEW[name] for name in NEW if name != missing}) == {missing}


def test_update_holds_only_the_fields_that_were_sent():
    assert UserUpdate.model_validate({}).model_fields_set == set()
    assert UserUpdate.model_validate({"full_name": ""}).model_fields_set == {"full_name"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(name, None) for name in ("email", "username", "full_name", "plan", "is_active")],
        ("is_active", 1),
        ("is_active", "true"),
        ("full_name", "x" * 201),
        ("full_name", "a\x00"),
        ("full_name", "Ann\r\nBcc: x@example.com"),
        ("full_name", "Ann\u2028Bee"),
        ("full_name", "\u202egnirts"),
        ("full_name", "\x1b[2J"),
        ("plan", ""),
        ("password", "hunter2hunter2"),
        ("is_staff", True),
        ("id", 5),
    ],
)
def test_invalid_change_is_rejected(field, value):
    assert fields_refused(UserUpdate, {field: value}) == {field}


@pytest.mark.parametrize("wrong", [{"search": "a\x00"}, {"search": "x" * 255}, {"is_active": "maybe"}, {"page": 0}])
def test_invalid_query_is_rejected(wrong):
    assert fields_refused(UserQuery, wrong) == set(wrong)


def test_shown_account_has_no_credentials():
    out = UserOut.of(unsaved_user(3, password="argon2$hunter2", full_name="Ann"))
    assert (out.id, out.email, out.full_name, out.plan) == (3, "user3@example.com", "Ann", "free")
    assert "hunter2" not in out.model_dump_json()
    assert out.model_dump()["created_at"] == "2020-01-01T00:00:00Z"
    assert set(UserOut.model_fields) == {
        "id",
        "email",
        "pending_email",
        "username",
        "full_name",
        "plan",
        "is_active",
        "is_staff",
        "roles",
        "email_verified_at",
        "created_at",
        "updated_at",
        "last_login_at",
    }

"""Every way to set a password goes through the same check."""

import io
import json
from hashlib import sha1
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from apps.users.models import User
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.staff_browser import browser_of

BREACHED = "a quiet sentence of mine"
REFUSED = {
    "short": "x7!kQ2p",
    "common": "lakers524",
    "breached": BREACHED,
    "about the service": "keyhouse2026!",
    "about the company": "acme-rocketclub-26",
    "long": "x" * 257,
}
NEW = {"email": "ann@example.com", "username": "ann"}

refused = pytest.mark.parametrize("password", REFUSED.values(), ids=REFUSED.keys())


@pytest.fixture(autouse=True)
def breached_passwords(tmp_path: Path, settings: Settings) -> Path:
    """The operator's file of breached passwords, with one in it, and words of the operator's."""
    path = tmp_path / "pwned"
    path.write_text(f"{sha1(BREACHED.encode()).hexdigest().upper()}:17\r\n")
    *others, context, known = settings.AUTH_PASSWORD_VALIDATORS
    settings.AUTH_PASSWORD_VALIDATORS = [
        *others,
        {**context, "OPTIONS": {"words": ["keyhouse", "Acme", "Rocketclub"]}},
        {**known, "OPTIONS": {"breached_passwords_file": str(path)}},
    ]
    return path


@pytest.fixture
def staff(database: None) -> Client:
    """A member of staff who is signed in to the admin."""
    return browser_of(make_staff(PASSWORD, email="boss@example.com"))


@refused
async def test_signing_up(api: httpx.AsyncClient, password: str):
    answer = await api.post("/api/v1/users", json={**NEW, "password": password})
    assert_error(answer, 422, "VALIDATION_FAILED", field="password")
    assert password not in answer.text
    assert await rows(User.objects.all()) == []
    assert await audited() == []


@refused
async def test_changing_one_s_own_password(api: httpx.AsyncClient, password: str):
    me = await customer()
    await make(_give_password, me.user)
    change = {"current_password": PASSWORD, "new_password": password}
    answer = await api.post("/api/v1/auth/change-password", json=change, headers=me.headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field="new_password")
    (user,) = await rows(User.objects.all())
    assert check_password(PASSWORD, user.password)
    assert await audited() == []


@refused
def test_changing_one_s_own_password_in_the_admin(staff: Client, password: str):
    form = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    answer = staff.post("/admin/password_change/", form)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["new_password1"])
    assert User.objects.get().check_password(PASSWORD)


@refused
def test_adding_an_account_in_the_admin(staff: Client, password: str):
    answer = staff.post("/admin/users/user/add/", {**NEW, "full_name": "", "password": password})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["password"]
    assert User.objects.get().email == "boss@example.com"


def test_admin_has_no_page_for_other_users_passwords(staff: Client):
    user = make_user(PASSWORD)
    answer = staff.post(f"/admin/users/user/{user.pk}/password/", {"password1": "x", "password2": "x"})
    assert answer.status_code in {302, 403, 404}
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.usefixtures("database")
@refused
def test_the_operator_s_changepassword(monkeypatch: pytest.MonkeyPatch, password: str):
    user = make_user(PASSWORD)
    monkeypatch.setattr("getpass.getpass", lambda **_options: password)
    with pytest.raises(CommandError, match="after 3 attempts"):
        call_command("changepassword", user.email, stdout=io.StringIO(), stderr=io.StringIO())
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.usefixtures("database")
@refused
def test_createsuperuser_from_the_environment(monkeypatch: pytest.MonkeyPatch, password: str):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match="password"):
        call_command("createsuperuser", "--noinput", email=NEW["email"], username=NEW["username"])
    assert not User.objects.exists()


@pytest.mark.usefixtures("database")
@refused
def test_createsuperuser_at_a_terminal_even_with_the_answer_to_bypass_it(
    monkeypatch: pytest.MonkeyPatch, password: str
):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda *_prompt: password)
    monkeypatch.setattr("builtins.input", lambda _prompt: "y")
    with pytest.raises(CommandError, match="password"):
        call_command("createsuperuser", stdin=terminal, stderr=io.StringIO(), **NEW)
    assert not User.objects.exists()


@pytest.mark.usefixtures("database")
def test_createsuperuser_with_a_strong_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="Ann@EXÄMPLE.de", username="ann", stdout=io.StringIO())
    user = User.objects.get()
    assert (user.email, user.is_superuser, user.check_password(PASSWORD)) == ("Ann@xn--exmple-cua.de", True, True)


@pytest.mark.usefixtures("database")
def test_createsuperuser_with_an_address_in_quotes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="without quotes"):
        call_command("createsuperuser", "--noinput", email='"ann"@example.com', username="ann")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password",
    [" x7!kQ2pz ", "e\u0301t\u00e9 am Fluß", "\uff58\uff17!kQ2pz", "\U0001f511\U0001f3e0 am Fluß", "x7!kQ2pz" * 32],
    ids=["spaces", "combining", "full-width", "beyond the BMP", "256"],
)
async def test_password_is_stored_exactly_as_typed(api: httpx.AsyncClient, password: str):
    assert (await api.post("/api/v1/users", json={**NEW, "password": password})).status_code == 201
    (user,) = await rows(User.objects.all())
    assert check_password(password, user.password)
    for other in (password.strip()[:-1], password[:72] + "y", password.swapcase(), password + " "):
        assert not check_password(other, user.password)
    login = {"email": NEW["email"], "password": password}
    assert (await api.post("/api/v1/auth/login", json=login)).status_code == 200


async def test_unreadable_file_of_breached_passwords_rejects_every_password(
    api: httpx.AsyncClient, breached_passwords: Path
):
    breached_passwords.unlink()  # noqa: ASYNC240  nothing else runs here
    answer = await api.post("/api/v1/users", json={**NEW, "password": PASSWORD})
    assert_error(answer, 503, "UNAVAILABLE")
    assert str(breached_passwords) not in json.dumps(answer.json())
    assert await rows(User.objects.all()) == []


def _give_password(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()

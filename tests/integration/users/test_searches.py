"""Searches and look-ups find the same account however its address, its name or its role is typed."""

import unicodedata

import httpx
import pytest
from django.core.management import call_command

from apps.core.authorization.catalogue import KEYS_VERIFY
from apps.users.models import User
from tests.support.accounts import colleague, customer
from tests.support.factories import PASSWORD, give_credits, make_key, make_role, make_staff, make_user
from tests.support.orm import make
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.usefixtures("database")

USERS = "/api/v1/users"
TYPED = "J\u00f6rg M\u00fcller"
JOERG = {"email": "joerg@xn--bcher-kva.example", "full_name": TYPED, "username": "joerg"}
ADDRESSES = [
    "joerg@b\u00fccher.example",
    " JOERG@BU\u0308CHER.Example\u00a0",
    "b\u00fccher.example",
    "@xn--bcher-kva.ex",
]
NAMES = [TYPED, unicodedata.normalize("NFD", TYPED), f"  {TYPED.upper()} ", "rg m\u00fc"]
PAGES = ["users/user", "api_keys/apikey", "credits/creditbalance", "credits/credittransaction"]


@pytest.mark.parametrize("term", [*ADDRESSES, *NAMES])
async def test_api_search_finds_each_spelling(api: httpx.AsyncClient, term: str):
    staff = await colleague()
    found = await make(make_user, **JOERG)
    await make(make_user, email="ann@example.com")
    page = (await api.get(USERS, params={"search": term}, headers=staff.headers)).json()
    assert [user["id"] for user in page["items"]] == [found.pk]


async def test_blank_search_finds_all(api: httpx.AsyncClient):
    staff = await colleague()
    page = (await api.get(USERS, params={"search": " \t "}, headers=staff.headers)).json()
    assert [user["id"] for user in page["items"]] == [staff.id]


@pytest.mark.parametrize("term", [*ADDRESSES, "xn--bcher-kva"])
@pytest.mark.parametrize("page", PAGES)
def test_admin_search_finds_each_spelling(page: str, term: str):
    user, other = make_user(**JOERG), make_user(email="ann@example.com")
    for owner in (user, other):
        make_key(owner)
        give_credits(owner, 1)
    response = browser_of(make_staff()).get(f"/admin/{page}/", {"q": term})
    assert [getattr(row, "user", row) for row in response.context["cl"].result_list] == [user]


@pytest.mark.parametrize("term", NAMES)
def test_admin_search_finds_each_spelling_of_a_name(term: str):
    user = make_user(**JOERG)
    response = browser_of(make_staff()).get("/admin/users/user/", {"q": f"{term} BÜCHER"})
    assert list(response.context["cl"].result_list) == [user]


async def test_full_name_is_stored_composed(api: httpx.AsyncClient):
    me = await customer()
    decomposed = f" {unicodedata.normalize('NFD', TYPED)} "
    answer = await api.patch(f"{USERS}/me", json={"full_name": decomposed}, headers=me.headers)
    assert answer.json()["full_name"] == TYPED


async def test_role_and_plan_are_found_in_each_spelling(api: httpx.AsyncClient):
    staff, customer_of = await colleague(), await customer()
    await make(make_role, KEYS_VERIFY, name="Caf\u00e9")
    plan = await api.post("/api/v1/plans", json={"name": "Cafe\u0301"}, headers=staff.headers)
    assert plan.json()["name"] == "Caf\u00e9"
    body = {"roles": [" Cafe\u0301"], "plan": "Cafe\u0301 "}
    changed = await api.patch(f"{USERS}/{customer_of.id}", json=body, headers=staff.headers)
    assert (changed.status_code, changed.json()["roles"], changed.json()["plan"]) == (200, ["Caf\u00e9"], "Caf\u00e9")


@pytest.mark.parametrize("email", ADDRESSES[:2])
async def test_login_and_password_reset_find_each_spelling(api: httpx.AsyncClient, email: str):
    user = await make(make_user, PASSWORD, **JOERG)
    login = await api.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert login.status_code == 200
    me = {"Authorization": f"Bearer {login.json()['access_token']}"}
    assert (await api.get(f"{USERS}/me", headers=me)).json()["id"] == user.pk


@pytest.mark.parametrize("email", ADDRESSES[:2])
def test_commands_find_each_spelling(email: str):
    user = make_user(**JOERG)
    call_command("grant_credits", email, "5")
    make_role(name="Caf\u00e9")
    call_command("set_roles", email, "Cafe\u0301")
    assert [role.name for role in User.objects.get(pk=user.pk).groups.all()] == ["Caf\u00e9"]

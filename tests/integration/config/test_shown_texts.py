"""Names, descriptions, reasons and references: the API and the admin refuse the same, and commands escape the rest."""

import io
import json
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.api_keys.models import ApiKey
from config.apps import discover_admin_pages
from tests.support.accounts import customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_plan, make_role, make_staff, make_user
from tests.support.orm import make
from tests.support.staff_browser import browser_of

discover_admin_pages()

REFUSED = ["a\x1b[2Jb", "a\u202eb", "a\nb", "\u200b\u2060", "a\u2028b"]
SENTENCES = {
    "must not contain control characters or characters that change the direction of text",
    "must contain a visible character",
}
V1 = "/api/v1"


async def _writes(text: str) -> list[tuple[str, str, dict[str, Any], str]]:
    """Return requests with the text, of a superuser: method, path, body, and the field that it is in."""
    user, role, plan = await make(make_user), await make(make_role), await make(make_plan)
    key = await make(make_key, user)
    keys, key_path = f"/users/{user.pk}/api-keys", f"/api-keys/{key.id}"
    credit = {"amount": "1", "type": "top_up"}
    return [
        ("POST", keys, {"name": text}, "name"),
        ("PATCH", key_path, {"name": text}, "name"),
        ("POST", f"{key_path}/revoke", {"reason": text}, "reason"),
        ("POST", "/plans", {"name": text}, "name"),
        ("PATCH", f"/plans/{plan.pk}", {"name": text}, "name"),
        ("POST", "/roles", {"name": text, "scopes": []}, "name"),
        ("PATCH", f"/roles/{role.pk}", {"name": text}, "name"),
        ("POST", f"/users/{user.pk}/credits", {**credit, "description": text}, "description"),
        ("POST", f"/users/{user.pk}/credits", {**credit, "reference_id": text}, "reference_id"),
        ("POST", f"/users/{user.pk}/credits", {**credit, "request_id": text}, "request_id"),
        ("PATCH", f"/users/{user.pk}", {"full_name": text}, "full_name"),
        ("POST", "/keys/verify", {"key": key.secret, "tag": text}, "tag"),
        ("POST", "/keys/verify", {"key": key.secret, "request_id": text}, "request_id"),
        *([] if "\n" in text else [("POST", keys, {"name": "key", "description": text}, "description")]),
    ]


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
async def test_api_refuses_text_that_misleads(api: httpx.AsyncClient, text: str):
    staff = await superuser()
    for method, path, body, field in await _writes(text):
        response = await api.request(method, f"{V1}{path}", json=body, headers=staff.headers)
        assert_error(response, 422, "VALIDATION_FAILED", field)
        assert response.json()["error"]["details"][0]["message"] in SENTENCES, (path, response.text)


async def test_name_of_a_passkey_is_refused_too(api: httpx.AsyncClient):
    me = await customer()
    for text in REFUSED:
        renamed = await api.patch(f"{V1}/auth/second-factors/passkeys/1", json={"name": text}, headers=me.headers)
        assert_error(renamed, 422, "VALIDATION_FAILED", "name")


def _admin_forms(text: str) -> list[tuple[str, dict[str, str], str]]:
    user, role, plan, key = make_user(), make_role(), make_plan(), make_key()
    owner = {"user": str(user.pk), "environment": "live", "metadata": "{}"}
    return [
        (reverse("admin:api_keys_apikey_add"), {**owner, "name": text}, "name"),
        (f"{reverse('admin:api_keys_apikey_changelist')}revoke/?id={key.id}", {"reason": text}, "reason"),
        (reverse("admin:plans_plan_change", args=[plan.pk]), {"name": text}, "name"),
        (reverse("admin:users_role_change", args=[role.pk]), {"name": text}, "name"),
    ]


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\u202eb", "\u200b\u2060"], ids=ascii)
def test_admin_refuses_the_same(database, text: str):
    browser = browser_of(make_staff())
    for page, data, field in _admin_forms(text):
        response = browser.post(page, data)
        assert response.status_code == 200, page
        form = response.context["adminform"].form if "adminform" in response.context else response.context["form"]
        assert {f"{message[0].lower()}{message[1:-1]}" for message in form.errors[field]} & SENTENCES, (
            page,
            form.errors,
        )


def test_commands_escape_names_that_were_stored_before(database):
    user = make_user()
    make_key(user, name="a\x1b[2J\u202eb")
    plan = make_plan(name="gold\x9b\u2028")
    for command, shown, stored in (
        (["list_api_keys", "--user", user.email], r"a\x1b[2J\u202eb", ApiKey.objects.get().name),
        (["list_plans"], r"gold\x9b\u2028", plan.name),
    ):
        out, as_json = io.StringIO(), io.StringIO()
        call_command(*command, stdout=out)
        call_command(*command, "--json", stdout=as_json)
        assert shown in out.getvalue()
        assert as_json.getvalue().isascii()
        assert stored in {json.loads(line)["name"] for line in as_json.getvalue().splitlines()}
        for text in (out.getvalue(), as_json.getvalue()):
            assert text.replace("\n", "").replace("\t", "").isprintable()


def test_commands_escape_what_they_refuse(database):
    with pytest.raises(CommandError) as refusal:
        call_command("set_roles", make_user().email, "a\u202eb")
    assert str(refusal.value).isprintable()

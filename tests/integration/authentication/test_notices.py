"""Security notices about signing in."""

from datetime import timedelta

import httpx
from django.db.models.functions import Now

from apps.authentication.dependencies import password_service
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from tests.support.factories import PASSWORD, make_user
from tests.support.mailbox import QueuedMessage, letters_to
from tests.support.orm import make, run_in_transaction
from tests.support.sessions import age_rotations

LOGIN, REFRESH = "/api/v1/auth/login", "/api/v1/auth/refresh"
ANN, LONG_AGO = "ann@example.com", "2026-01-01T00:00:00Z"
NEW_DEVICE = "Your account was signed in to from a new device."


async def notices() -> list[QueuedMessage]:
    return [message for message in await make(letters_to, ANN) if message.kind == "security_notice"]


async def sign_in(api: httpx.AsyncClient, agent: str = "phone") -> dict[str, str]:
    credentials = {"email": ANN, "password": PASSWORD}
    response = await api.post(LOGIN, json=credentials, headers={"User-Agent": agent})
    assert response.status_code == 200
    pair: dict[str, str] = response.json()
    return pair


async def test_first_sign_in_and_known_devices_send_no_notice(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    for agent in ("phone", "phone"):
        await sign_in(api, agent)
    assert await notices() == []


async def test_owner_is_notified_of_a_new_device_once(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    for agent in ("phone", "laptop", "laptop", "phone"):
        await sign_in(api, agent)
    (notice,) = await notices()
    assert (notice.context["what"], notice.context["agent"]) == (NEW_DEVICE, "laptop")


async def test_device_is_named_without_control_characters(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    await sign_in(api)
    credentials = {"email": ANN, "password": PASSWORD}
    response = await api.post(LOGIN, json=credentials, headers={b"User-Agent": b"tv\x9b31m\x00\xad"})
    assert response.status_code == 200
    sessions = await api.get(
        "/api/v1/auth/sessions", headers={"Authorization": f"Bearer {response.json()['access_token']}"}
    )
    assert sessions.json()["items"][0]["user_agent"] == r"tv\x9b31m\x00\xad"
    (notice,) = await notices()
    assert notice.context["agent"] == r"tv\x9b31m\x00\xad"


async def test_known_agent_in_another_network_is_new(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    await sign_in(api)
    for address, count in (("127.0.0.200", 0), ("203.0.113.1", 1)):
        await run_in_transaction(Session.objects.update, ip_address=address)
        await sign_in(api)
        assert len(await notices()) == count
        await run_in_transaction(lambda: Session.objects.latest("id").delete())


async def test_device_is_forgotten_after_ninety_days(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    await sign_in(api)
    await run_in_transaction(Session.objects.update, last_used_at=Now() - timedelta(days=89))
    await sign_in(api)
    assert await notices() == []
    await run_in_transaction(Session.objects.update, last_used_at=Now() - timedelta(days=91))
    await sign_in(api)
    assert len(await notices()) == 1


async def test_owner_is_notified_of_a_reused_token(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    first = (await sign_in(api))["refresh_token"]
    second = (await api.post(REFRESH, json={"refresh_token": first})).json()["refresh_token"]
    await api.post(REFRESH, json={"refresh_token": second})
    await make(age_rotations, 10)
    for _ in range(2):
        assert (await api.post(REFRESH, json={"refresh_token": first})).status_code == 401
    (notice,) = await notices()
    assert notice.context["what"] == "A session of your account was ended, because a token of it was used twice."


async def test_owner_is_notified_of_a_changed_password(api: httpx.AsyncClient):
    user = await make(make_user, PASSWORD, email=ANN, email_verified_at=LONG_AGO)
    headers = {"Authorization": f"Bearer {(await sign_in(api))['access_token']}", "User-Agent": "phone"}
    change = {"current_password": PASSWORD, "new_password": "another horse altogether"}
    assert (await api.post("/api/v1/auth/change-password", json=change, headers=headers)).status_code == 200
    await password_service().set(OPERATOR, user.pk, PASSWORD)
    own, operators = await notices()
    assert own.context["what"] == operators.context["what"] == "Your password was changed."
    assert (own.context["agent"], own.context["by_staff"]) == ("phone", "")
    assert (operators.context.get("agent"), operators.context["by_staff"]) == (None, "yes")

"""Guesses passwords from many addresses."""

import httpx
from django.db.models import F

from apps.authentication.models import LoginAttempt
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from config.asgi import application
from tests.support.factories import PASSWORD
from tests.support.orm import make

LOGIN = "/api/v1/auth/login"
EMAIL, UNKNOWN_EMAIL = "ivy@example.com", "unknown@example.com"
HOME, ELSEWHERE = "192.0.2.1", "203.0.113.9"


def client_at(address: str) -> httpx.AsyncClient:
    """Return a client with this address."""
    transport = httpx.ASGITransport(application, client=(address, 7))
    return httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost")


async def sign_in(address: str, password: str = PASSWORD, email: str = EMAIL) -> httpx.Response:
    async with client_at(address) as client:
        return await client.post(LOGIN, json={"email": email, "password": password})


async def guess_from_many_addresses(times: int, email: str = EMAIL) -> list[int]:
    """Count wrong passwords, each from another address; return the Retry-After seconds of each."""
    attempts = LoginAttemptRepository()
    counted = [await attempts.count_wrong(email, f"198.51.{n // 250}.{n % 250}") for n in range(times)]
    return [seconds for seconds, _ in counted]


async def expire_locks() -> None:
    await make(LoginAttempt.objects.exclude(locked_until=None).update, locked_until=F("last_failed_at"))

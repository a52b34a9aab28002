"""Staff see on a key's page why its calls were refused."""

from datetime import UTC, datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from apps.usage.models import UsageDenial
from tests.support.factories import IssuedKey, make_key


def page_of(browser, key: IssuedKey) -> str:
    page: str = browser.get(reverse("admin:api_keys_apikey_change", args=[key.id])).content.decode()
    return page


def refuse(key: IssuedKey, minute: datetime, code: str, count: int) -> None:
    UsageDenial.objects.create(api_key_id=key.id, minute_at=minute, code=code, count=count)


def test_refusals_of_the_last_day_are_listed_newest_first(browser):
    key, other = make_key(), make_key()
    now = timezone.now().replace(second=0, microsecond=0)
    refuse(key, now, "RATE_LIMITED", 3)
    refuse(key, now - timedelta(minutes=5), "RATE_LIMITED", 4)
    refuse(key, now - timedelta(minutes=1), "INSUFFICIENT_CREDITS", 1)
    refuse(key, now - timedelta(days=2), "EXPIRED", 9)
    refuse(other, now, "DISABLED", 9)
    page = page_of(browser, key)
    row = f"<div><code>RATE_LIMITED</code> 7 times, last {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC</div>"
    assert page.index(row) < page.index("<code>INSUFFICIENT_CREDITS</code> 1 times")
    assert "EXPIRED" not in page
    assert "DISABLED" not in page


def test_key_without_refusals_says_so(browser):
    page = page_of(browser, make_key())
    assert "Refused in the last day" in page
    assert "never" in page
    assert "times, last" not in page

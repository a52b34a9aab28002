"""Staff see on a key's page why its calls were refused."""

from datetime import UTC, datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from apps.usage.models import UsageDenial
from tests.support.factories import IssuedKey, make_key


def page_of(browser, key: IssuedKey) -> str:
    page: str = browser.get(reverse("admin:api_keys_apikey_change", args=[key.id])).content.decode()
    return page


def refuse(key: IssuedKey, minute: datetime, code: str, count: int, detail: str = "") -> None:
    UsageDenial.objects.create(api_key_id=key.id, minute_at=minute, code=code, count=count, detail=detail)


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


WORDS = {
    ("RATE_LIMITED", "burst"): "rate limit burst",
    ("INSUFFICIENT_CREDITS", "budget"): "the key&#x27;s budget is spent",
    ("INSUFFICIENT_CREDITS", "balance"): "the balance is too low",
    ("FORBIDDEN", "owner_suspended"): "the owner is suspended",
    ("FORBIDDEN", "owner_locked"): "the owner is locked",
    ("FORBIDDEN", "address_not_allowed"): "the address is not on the allowlist",
    ("FORBIDDEN", "address_unreadable"): "the address cannot be read",
    ("DISABLED", "revoked"): "the key is revoked",
    ("DISABLED", "disabled"): "the key is disabled",
    ("EXPIRED", "key"): "the key has expired",
    ("EXPIRED", "secret"): "the secret was replaced and has expired",
    ("INSUFFICIENT_SCOPES", "reports:read"): "the scope reports:read is missing",
    # Names that customers may give.
    ("RATE_LIMITED", "balance"): "rate limit balance",
    ("INSUFFICIENT_SCOPES", "key"): "the scope key is missing",
    ("RATE_LIMITED", "<b>"): "rate limit &lt;b&gt;",
}


def test_details_are_shown_in_words(browser):
    key, now = make_key(), timezone.now()
    for code, detail in WORDS:
        refuse(key, now, code, 2, detail)
    refuse(key, now, "FORBIDDEN", 5)
    page = page_of(browser, key)
    for (code, _), words in WORDS.items():
        assert f"<div><code>{code}</code> {words}: 2 times, last" in page
    assert "<div><code>FORBIDDEN</code> 5 times, last" in page

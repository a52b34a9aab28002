"""Which passwords may be set."""

import pytest

from apps.core.errors import ValidationFailed
from apps.users.services.password_policy import check_new_password

pytestmark = pytest.mark.unit

ACCOUNT = {"email": "annabelle@example.com", "username": "raven-1845", "full_name": "Virginia Clemm"}


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "密码密码密码密码密",
        "x7!kQ2pz",
        " " * 3 + "xy9zq",
        "keyhouse x7!kQ2pz",
        "annabelle's green river",
        "\U0001f511\U0001f3e0 two of them",
        "e\u0301t\u00e9 e\u0301t\u00e9",
        "tab\tand\nline",
        "x7!kQ2pz" * 32,
    ],
)
async def test_accepts_strong_passwords(password):
    await check_new_password(password, **ACCOUNT)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("x7!kQ2p", "too short"),
        ("password123", "too common"),
        ("8395761204", "entirely numeric"),
        ("raven-1845", "similar to the username"),
        ("annabelle@example.com", "similar to the email"),
        ("virginia clemm", "similar to the full name"),
        ("lakers524", "too common"),
        ("LAKERS524", "too common"),
        ("\uff4c\uff41\uff4b\uff45\uff52\uff53524", "too common"),  # full-width
        ("keyhouse2026!", "words about you or this service"),
        ("K3yH0u$e-2026", "words about you or this service"),
        ("annabelle+19", "words about you or this service"),
        ("2026-virginia", "words about you or this service"),
        ("r4v3n-1845-keyhouse", "words about you or this service"),
        ("x" * 257, "at most 256"),
        ("x7!kQ2pz\x00", "characters that are not allowed"),
        ("x7!kQ2pz\ud800", "characters that are not allowed"),
    ],
)
async def test_rejects_weak_passwords(password, reason):
    with pytest.raises(ValidationFailed) as refusal:
        await check_new_password(password, **ACCOUNT)
    assert {detail.field for detail in refusal.value.details} == {"password"}
    assert any(reason in detail.message for detail in refusal.value.details)
    assert password not in " ".join(detail.message for detail in refusal.value.details)


async def test_error_names_every_reason_and_the_field():
    with pytest.raises(ValidationFailed) as refusal:
        await check_new_password("1234", field="new_password")
    assert [detail.field for detail in refusal.value.details] == ["new_password"] * 2


@pytest.mark.parametrize("name", ["(a+)+$", "[a-z", "x{9}", ".*", "a|b", "\\"])
async def test_words_with_special_characters_are_literal(name: str):
    await check_new_password("correct horse battery staple", **{**ACCOUNT, "full_name": name})
    with pytest.raises(ValidationFailed) as refusal:
        await check_new_password(f"{name * 4}x7!kQ2", **{**ACCOUNT, "full_name": name * 4})
    assert any("words about you" in detail.message for detail in refusal.value.details)

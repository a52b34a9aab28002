"""The canonical form of e-mail addresses."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.values.email_addresses import canonical_email, require_email

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann@EXAMPLE.com\n", "Ann@example.com"),
        ("\uff21\uff24\uff2d\uff29\uff2e@example.com", "ADMIN@example.com"),
        ("admin\uff20example.com", "admin@example.com"),
        ("\u212aate@example.com", "Kate@example.com"),  # the kelvin sign
        ("ann@exa\u0308mple.de", "ann@xn--exmple-cua.de"),
        ("ann@EXÄMPLE.de", "ann@xn--exmple-cua.de"),
        ("ann@xn--exmple-cua.de", "ann@xn--exmple-cua.de"),
        ("ann@straße.de", "ann@xn--strae-oqa.de"),
        ("ann@example\u3002com", "ann@example.com"),
        ("ann@ex\u00adample.com", "ann@example.com"),  # a soft hyphen
        ("ann@\u0430pple.com", "ann@xn--pple-43d.com"),  # a Cyrillic a
        ("\u0130vy@example.com", "\u0130vy@example.com"),
        ("a@b@Example.com", "a@b@example.com"),
        ("not-an-address", "not-an-address"),
        ("", ""),
        ("@", "@"),
        ("ann@no_domain..X", "ann@no_domain..x"),
    ],
)
def test_address_has_one_canonical_form(typed, canonical):
    assert canonical_email(typed) == canonical


LABEL = "\u6f22" * 63
TOO_LONG = {
    "a label of letters": "X" * 64 + ".com",
    "a label of another script": LABEL + "\u6f22.com",
    "after another kind of dot": f"example\u3002{LABEL}\u6f22",
    "a domain": ".".join(["\u6f22" * 31] * 8),
    "all in one": "".join(chr(0x4E00 + 37 * number) for number in range(252)),
}


@pytest.mark.parametrize("domain", TOO_LONG.values(), ids=TOO_LONG.keys())
def test_domain_too_long_for_dns_is_not_encoded(domain, monkeypatch):
    monkeypatch.setattr(idna, "encode", lambda *_args, **_options: pytest.fail("encoded"))
    assert canonical_email(f"ann@{domain}") == f"ann@{domain.lower()}"
    with pytest.raises(ValueError, match="not an e-mail address"):
        require_email(f"ann@{domain}")


def test_longest_valid_domain_is_accepted():
    domain = ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 57, "com"])
    assert canonical_email(f"a@{domain.upper()}") == f"a@{domain}"
    assert require_email(f"a@{'x' * 63}.com") == f"a@{'x' * 63}.com"
    assert require_email(f"a@{'x' * 50}\u00e4.com").startswith("a@xn--x")


@given(text=st.text(max_size=300))
def test_any_text_is_canonicalised(text):
    assert canonical_email(text).count("@") >= text.count("@")


@given(text=st.emails())
def test_stored_address_is_ascii_and_stable(text):
    try:
        address = require_email(text)
    except ValueError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert require_email(address) == address


@pytest.mark.parametrize(
    "text",
    ["\u0430dmin@example.com", "adm\u0131n@example.com", "\u0130vy@example.com", "admin\u200b@example.com"],
    ids=["cyrillic a", "dotless i", "dotted capital i", "zero-width space"],
)
def test_look_alike_local_part_is_rejected(text):
    with pytest.raises(ValueError, match="not an e-mail address"):
        require_email(text)


@pytest.mark.parametrize("text", ['"admin"@example.com', '"a\x0bb"@example.com', "ann@[127.0.0.1]", "ann@[::1]"])
def test_quotes_and_brackets_are_rejected(text):
    with pytest.raises(ValueError, match=r"without quotes|not an e-mail"):
        require_email(text)

"""How a client says who it is."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api_keys.services.key_format import generate_key, visible_prefix
from apps.api_keys.services.key_secrets import KeySecret
from apps.oauth.services.client_credentials import ClientCredentials, bearer_of, read_credentials
from apps.oauth.services.oauth_errors import InvalidClient, OAuthError

pytestmark = pytest.mark.unit

KEY = generate_key("live")


def basic(text: str | bytes) -> str:
    return f"Basic {b64encode(text if isinstance(text, bytes) else text.encode()).decode()}"


@pytest.mark.parametrize("client_id", ["7", visible_prefix(KEY)], ids=["number", "prefix"])
def test_in_the_header_form_encoded_or_not(client_id: str):
    encoded = "".join(f"%{ord(letter):02X}" for letter in KEY)
    for secret in (KEY, encoded):
        for header in (basic(f"{client_id}:{secret}"), basic(f"{client_id}:{secret}").replace("Basic", "bAsIc ")):
            assert read_credentials(header, {}) == ClientCredentials(client_id, KEY)


def test_a_plus_is_a_space():
    assert read_credentials(basic("a+b:c+d%2B"), {}) == ClientCredentials("a b", "c d+")


def test_in_the_form():
    form = {"client_id": "7", "client_secret": KEY}
    assert read_credentials("", form) == ClientCredentials("7", KEY)


@pytest.mark.parametrize("form", [{}, {"client_id": "7"}])
def test_a_client_that_shows_nothing(form: dict[str, str]):
    assert read_credentials("", form) is None


def test_the_id_may_stand_in_both_places_if_it_is_the_same():
    assert read_credentials(basic(f"7:{KEY}"), {"client_id": "7"}) == ClientCredentials("7", KEY)
    for form in ({"client_id": "8"}, {"client_secret": KEY}, {"client_id": "7", "client_secret": KEY}):
        with pytest.raises(OAuthError) as refused:
            read_credentials(basic(f"7:{KEY}"), form)
        assert (refused.value.status, refused.value.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic \u00e9",
        basic("no colon"),
        basic(b"\xff:x"),
        basic("%ff:x"),
        "Digest x",
        "x",
    ],
)
def test_a_header_that_cannot_be_read(header: str):
    with pytest.raises(InvalidClient) as refused:
        read_credentials(header, {})
    assert refused.value.challenge.startswith("Basic ")


def test_a_secret_needs_its_id():
    with pytest.raises(InvalidClient):
        read_credentials("", {"client_secret": KEY})


@given(header=st.text(max_size=80), client_id=st.text(max_size=9), secret=st.text(max_size=9))
def test_whatever_comes_is_read_or_refused(header: str, client_id: str, secret: str):
    for authorization in (header, f"Basic {header}", basic(f"{header}:{secret}")):
        try:
            read = read_credentials(authorization, {"client_id": client_id})
        except OAuthError:
            continue
        assert read is None or isinstance(read.secret, str)


def test_no_credential_shows_in_what_is_printed():
    assert KEY not in repr(ClientCredentials("7", KEY))


@pytest.mark.parametrize(
    ("client_id", "is_its"), [("7", True), ("prefix", True), ("07", False), ("8", False), ("", False)]
)
def test_names_its_key(client_id: str, is_its: bool):
    assert ClientCredentials(client_id, KEY).name(KeySecret(1, 7, 5, "prefix", b"")) == is_its


@pytest.mark.parametrize(
    ("header", "bearer"),
    [("Bearer x", "x"), ("bearer  x ", "x"), ("Bearer", ""), ("Basic x", None), ("", None), ("BearerX y", None)],
)
def test_what_a_bearer_presents(header: str, bearer: str | None):
    assert bearer_of(header) == bearer

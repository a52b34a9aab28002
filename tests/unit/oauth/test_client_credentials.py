"""Reading of client credentials."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api_keys.services.key_format import generate_key, visible_prefix
from apps.api_keys.services.key_secrets import KeySecret
from apps.oauth.services.client_credentials import ClientCredentials, bearer_of, read_credentials
from apps.oauth.services.oauth_errors import InvalidBearerToken, InvalidClient, OAuthError

pytestmark = pytest.mark.unit

KEY = generate_key("live")


def basic(text: str | bytes) -> str:
    return f"Basic {b64encode(text if isinstance(text, bytes) else text.encode()).decode()}"


@pytest.mark.parametrize("client_id", ["7", visible_prefix(KEY)], ids=["number", "prefix"])
def test_basic_credentials_are_read_form_encoded_or_not(client_id: str):
    encoded = "".join(f"%{ord(letter):02X}" for letter in KEY)
    for secret in (KEY, encoded):
        for header in (basic(f"{client_id}:{secret}"), basic(f"{client_id}:{secret}").replace("Basic", "bAsIc ")):
            assert read_credentials(header, {}) == ClientCredentials(client_id, KEY)


def test_plus_is_decoded_as_space():
    assert read_credentials(basic("a+b:c+d%2B"), {}) == ClientCredentials("a b", "c d+")


def test_secret_begins_after_the_first_colon():
    assert read_credentials(basic("a:b:c"), {}) == ClientCredentials("a", "b:c")


def test_form_credentials_are_read():
    form = {"client_id": "7", "client_secret": KEY}
    assert read_credentials("", form) == ClientCredentials("7", KEY)


@pytest.mark.parametrize("form", [{}, {"client_id": "7"}])
def test_form_without_secret_has_no_credentials(form: dict[str, str]):
    assert read_credentials("", form) is None


def test_equal_client_ids_in_header_and_form_are_accepted():
    assert read_credentials(basic(f"7:{KEY}"), {"client_id": "7"}) == ClientCredentials("7", KEY)
    for form in ({"client_id": "8"}, {"client_secret": KEY}, {"client_id": "7", "client_secret": KEY}):
        with pytest.raises(OAuthError) as rejected:
            read_credentials(basic(f"7:{KEY}"), form)
        assert (rejected.value.status, rejected.value.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic \u00e9",
        basic("no colon"),
        f"{basic('7:k')[:8]}.{basic('7:k')[8:]}",  # a character that base64 has not, and lenient decoders skip
        basic(b"\xff:x"),
        basic("%ff:x"),
        "Digest x",
        "x",
    ],
)
def test_malformed_header_is_rejected(header: str):
    with pytest.raises(InvalidClient) as rejected:
        read_credentials(header, {})
    assert rejected.value.challenge.startswith("Basic ")


def test_secret_without_client_id_is_rejected():
    with pytest.raises(InvalidClient):
        read_credentials("", {"client_secret": KEY})


@given(header=st.text(max_size=80), client_id=st.text(max_size=9), secret=st.text(max_size=9))
def test_any_input_is_read_or_rejected(header: str, client_id: str, secret: str):
    for authorization in (header, f"Basic {header}", basic(f"{header}:{secret}")):
        try:
            read = read_credentials(authorization, {"client_id": client_id})
        except OAuthError:
            continue
        assert read is None or isinstance(read.secret, str)


def test_repr_hides_the_secret():
    assert KEY not in repr(ClientCredentials("7", KEY))


@pytest.mark.parametrize(
    ("client_id", "is_its_own"), [("7", True), ("prefix", True), ("07", False), ("8", False), ("", False)]
)
def test_client_id_identifies_its_key(client_id: str, is_its_own: bool):
    assert ClientCredentials(client_id, KEY).identify(KeySecret(1, 7, 5, "prefix", b"")) == is_its_own


@pytest.mark.parametrize(
    ("header", "bearer"),
    [
        ("Bearer x", "x"),
        ("bearer  x ", "x"),
        ("Bearer yX", "yX"),
        ("Basic x", None),
        ("", None),
        ("BearerX y", None),
        ("XBearer y", None),
    ],
)
def test_bearer_token_is_read(header: str, bearer: str | None):
    assert bearer_of(header) == bearer


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x y", "Bearer x,Bearer x", "Bearer\tx", "Bearer \u00e9", "é", "Bearer x\n"]
)
def test_malformed_bearer_is_refused(header: str):
    with pytest.raises(InvalidBearerToken) as refused:
        bearer_of(header)
    assert (refused.value.status, refused.value.challenge) == (401, 'Bearer realm="keyhouse", error="invalid_token"')

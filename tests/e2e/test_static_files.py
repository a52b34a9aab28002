"""Static files: their names, their headers, and what is not served."""

import re

import httpx
import pytest

from tests.support.raw_http import exchange, message
from tests.support.server import Server

PLAIN = "/static/backoffice/keyhouse.css"


def linked(client: httpx.Client, page: str) -> list[str]:
    """Return the static files that a page links to."""
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get(page).text)


@pytest.mark.parametrize("page", ["/admin/login/", "/docs", "/account/reset-password"])
def test_pages_link_files_that_may_be_kept_for_ever(client: httpx.Client, page: str):
    found = linked(client, page)
    assert found
    for path in found:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", path), path
        response = client.get(path)
        assert response.status_code == 200, path
        assert "immutable" in response.headers["cache-control"]
        assert int(re.findall(r"max-age=(\d+)", response.headers["cache-control"])[0]) >= 365 * 24 * 3600


def test_files_that_stylesheets_link_are_served(client: httpx.Client):
    sheets = [path for path in linked(client, "/admin/login/") if path.endswith(".css")]
    for path in sheets:
        base = httpx.URL(path)
        for found in re.findall(r'url\("?([^)"]+)"?\)|@import "([^"]+)"', client.get(path).text):
            target = "".join(found)
            if not target.startswith("data:"):
                assert client.get(str(base.join(target))).status_code == 200, target


def test_texts_are_sent_compressed_and_fonts_as_they_are(client: httpx.Client):
    for name, coding in (("backoffice/keyhouse.css", "gzip"), ("backoffice/fonts/icons.woff2", None)):
        response = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
        assert (response.status_code, response.headers.get("content-encoding")) == (200, coding)
    plain = client.get(PLAIN, headers={"Accept-Encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.headers["vary"]) == (False, "Accept-Encoding")


def test_first_page_is_light(client: httpx.Client):
    paths = [path for path in linked(client, "/admin/login/") if path.endswith((".css", ".js", ".svg"))]
    responses = [client.get(path, headers={"Accept-Encoding": "gzip"}) for path in paths]
    sizes = [int(response.headers["content-length"]) for response in responses]
    assert (len(sizes) <= 12, sum(sizes) < 120_000) == (True, True), sizes


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_file_has_its_type_a_tag_and_no_sniffing(client: httpx.Client, method: str):
    response = client.request(method, PLAIN)
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, "text/css")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "max-age=60, public"  # its content may change under this name
    assert len(response.headers["x-request-id"]) == 32
    assert not {"access-control-allow-origin", "set-cookie"} & set(response.headers)
    assert bool(response.content) == (method == "GET")
    unchanged = client.get(PLAIN, headers={"If-None-Match": response.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/none.css", "/static/backoffice", "/static/../manage.py", "/static/%2e%2e/manage.py",
     "/static/..%2fstatic.version", "/static//etc/passwd", "/static/backoffice/%00",
     "/static/backoffice/keyhouse.css/"],
)  # fmt: skip
def test_other_paths_are_not_found(server: Server, path: str):
    response = exchange(server.url, message(b"GET " + path.encode()))
    assert response.status_code == 404
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", [b"POST", b"DELETE", b"get"])
def test_files_are_only_read(server: Server, method: bytes):
    response = exchange(server.url, message(method + b" " + PLAIN.encode()))
    assert response.status_code == 405
    assert response.headers["allow"].startswith("GET, HEAD")

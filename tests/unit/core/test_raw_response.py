"""The conversion of Django's responses by the API application."""

import pytest
from django.http import HttpResponse

from apps.core.http.asgi_messages import raw_response

pytestmark = pytest.mark.unit


def test_each_cookie_is_a_separate_header():
    response = HttpResponse(status=303, headers={"Location": "https://app.example.com/#code=1"})
    response.set_cookie("one", "a", max_age=60, secure=True, httponly=True, samesite="Lax")
    response.set_cookie("two", "b; c")
    raw = raw_response(response)
    assert raw.status == 303
    assert (b"location", b"https://app.example.com/#code=1") in raw.headers
    cookies = [value.decode() for name, value in raw.headers if name == b"set-cookie"]
    assert len(cookies) == 2
    assert cookies[0].startswith("one=a; expires=")
    assert cookies[0].endswith("HttpOnly; Max-Age=60; Path=/; SameSite=Lax; Secure")
    assert cookies[1] == 'two="b\\073 c"; Path=/'


def test_response_without_cookies_sets_none():
    raw = raw_response(HttpResponse(b"{}"))
    assert b"set-cookie" not in [name for name, _ in raw.headers]
    assert (b"cache-control", b"no-store") in raw.headers
    assert (b"content-length", b"2") in raw.headers

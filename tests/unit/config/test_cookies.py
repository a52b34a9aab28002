"""Cookies of the admin, as settings derive them from the environment."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 50,
    "DATABASE_URL": "postgresql://keyhouse:pw@db/keyhouse",
    "ALLOWED_HOSTS": "api.example.com",
}
PROGRAM = """
import json
from django.conf import settings
attributes = ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "PATH", "DOMAIN")
print(json.dumps({kind: {name: getattr(settings, f"{kind}_COOKIE_{name}") for name in attributes}
                  for kind in ("SESSION", "CSRF")}))
"""


def cookies(**environment: str) -> dict[str, dict[str, object]]:
    settings = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=settings, capture_output=True, check=True, timeout=60)
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


def test_cookies_are_bound_to_the_host_with_https():
    for kind, cookie in cookies(**PRODUCTION).items():
        assert cookie == {
            "NAME": f"__Host-staff_{kind.lower()}",
            "SECURE": True,
            "HTTPONLY": True,
            "SAMESITE": "Lax",
            "PATH": "/",
            "DOMAIN": None,
        }


def test_cookies_are_http_only_without_https():
    for kind, cookie in cookies(**PRODUCTION, HTTPS_ONLY="false").items():
        assert (cookie["NAME"], cookie["SECURE"]) == (f"staff_{kind.lower()}", False)
        assert (cookie["HTTPONLY"], cookie["SAMESITE"]) == (True, "Lax")

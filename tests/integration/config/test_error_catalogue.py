"""Every error that the API answers with stands in docs/errors.md; a code has one status and one meaning.

After an intended change:
`UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest tests/integration/config/test_error_catalogue.py`.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.errors import DomainError
from apps.core.http.error_responses import error_response
from apps.oauth.services.oauth_errors import OAuthError
from config.asgi import application

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("_loaded")]

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
HEAD = """# Errors

Every error of the API is an envelope:
`{"error": {"code", "message", "details": [{"field", "message"}], "request_id"}}`. Programs decide by `code`, which is
stable. `message` is for people: it may change, and may say more than the usual text below. `details` names the fields
that are wrong. Give support the `request_id`. Responses with 429 and 503 say in `Retry-After` after how many seconds to
retry. Those with 401, and 403 `INSUFFICIENT_SCOPES`, say in `WWW-Authenticate` why (RFC 6750, 3): there is no `error`
where no credential was sent, `invalid_token` for one that cannot be used, and `insufficient_scope` with the `scope`
that is needed.

`POST /oauth/token`, `/oauth/introspect` and `/oauth/revoke` answer as RFC 6749, 5.2 requires:
`{"error", "error_description"}`.

| status | code | usual message | meaning |
|---|---|---|---|
"""


@pytest.fixture(scope="module")
def _loaded() -> None:
    assert application is not None  # it imports every app, and so every error


def catalogue() -> list[type[DomainError]]:
    """Return each error of the envelope, by status and code."""
    found = [kind for kind in _subclasses(DomainError) if hasattr(kind, "code") and not issubclass(kind, OAuthError)]
    return sorted(found, key=lambda kind: (kind.status, kind.code, kind.__name__))


def test_a_code_has_one_status():
    statuses = defaultdict(set)
    for kind in catalogue():
        statuses[kind.code].add(kind.status)
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}


def test_errors_are_written_alike():
    assert len(catalogue()) >= 30
    for kind in catalogue():
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", kind.code), kind
        assert kind.message.endswith("."), kind
        assert kind.__doc__, kind
        assert kind.__doc__.splitlines()[0].endswith("."), kind


def test_an_error_is_answered_with_its_status_and_code():
    for kind in catalogue():
        response = error_response(_instance(kind))
        error = json.loads(response.content)["error"]
        assert (response.status_code, error["code"], error["message"]) == (kind.status, kind.code, kind.message)
        assert ("WWW-Authenticate" in response) == (kind.status == 401 or kind.code == "INSUFFICIENT_SCOPES")
        assert ("Retry-After" in response) == (kind.status == 503)  # with 429, it is where the limit is known


def test_the_page_of_errors_is_true():
    rows = [f"| {kind.status} | `{kind.code}` | {kind.message} | {_meaning(kind)} |" for kind in _one_for_each_code()]
    now = HEAD + "\n".join(rows) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        PAGE.write_text(now)
    assert PAGE.read_text() == now, __doc__


def _instance(kind: type[DomainError]) -> DomainError:
    error = kind.__new__(kind)  # some take arguments of their own
    DomainError.__init__(error, retry_after_seconds=1 if kind.status == 503 else None)
    return error


def _one_for_each_code() -> list[type[DomainError]]:
    """Return the class that names each code, which subclasses without a code of their own share."""
    return [kind for kind in catalogue() if "code" in vars(kind)]


def _meaning(kind: type[DomainError]) -> str:
    return str(kind.__doc__).splitlines()[0]


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)

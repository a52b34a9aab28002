"""The journeys in `docs/architecture.md` list the files whose functions run, in the order in which they run."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import httpx
import pytest

from config.asgi import application, inline_operations
from tests.support.accounts import customer, superuser
from tests.support.factories import PASSWORD, make_key, make_service_key, make_user
from tests.support.orm import make
from tests.support.served import served

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).parents[3]
DOCUMENT = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^\d+\. `([^`]+\.py)`", re.MULTILINE)
SHARED_FILE = re.compile(r"`([\w/]+\.py)`")
# Whole packages that the document names once, for all journeys.
SHARED_FOLDERS = ("config/", "apps/core/")
TRACER = 4  # sys.monitoring: an id that no debugger, profiler or coverage tool uses
STARTED = sys.monitoring.events.PY_START


def section(title: str) -> str:
    """Return the text below the heading."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/architecture.md has no journey {title!r}"
    return found[1]


def listed(title: str) -> list[str]:
    """Return the files of the journey."""
    return ENTRY.findall(section(title))


def shared() -> set[str]:
    """Return the single files that journeys share."""
    return set(SHARED_FILE.findall(section("What journeys share")))


@contextmanager
def traced() -> Iterator[list[str]]:
    """Collect the project's files whose functions are called in the block, on any thread, in order of first calls."""
    files: dict[str, None] = {}

    def started(code: CodeType, _offset: int) -> object:
        path = Path(code.co_filename)
        if code.co_name != "<module>" and path.is_relative_to(PROJECT):
            files.setdefault(path.relative_to(PROJECT).as_posix())
        return sys.monitoring.DISABLE

    found: list[str] = []
    sys.monitoring.use_tool_id(TRACER, "journeys")
    try:
        sys.monitoring.register_callback(TRACER, STARTED, started)
        sys.monitoring.set_events(TRACER, STARTED)
        sys.monitoring.restart_events()
        yield found
    finally:
        sys.monitoring.set_events(TRACER, 0)
        sys.monitoring.register_callback(TRACER, STARTED, None)
        sys.monitoring.free_tool_id(TRACER)
        found += [file for file in files if file.startswith(("apps/", "config/"))]


def assert_describes(title: str, ran: Sequence[str]) -> None:
    """Assert that the journey lists what has run beside what all share, in this order, and nothing else."""
    files = listed(title)
    missing = [file for file in ran if file not in {*files, *shared()} and not file.startswith(SHARED_FOLDERS)]
    assert not missing, f"{title} runs these files, which docs/architecture.md does not list: {missing}"
    not_run = [file for file in files if file not in ran and not is_used(file, ran)]
    assert not not_run, f"{title} lists these files in docs/architecture.md, which do not run: {not_run}"
    assert [file for file in files if file in ran] == [file for file in ran if file in files], (
        f"{title} is out of order"
    )


def is_used(file: str, ran: Sequence[str]) -> bool:
    """Return whether a module that has run imports the file's models, schemas, values, or its repository.

    Of a repository, only what it inherits may run: its own QuerySet is compiled once.
    """
    inherits = "apps/core/database/orm/entity_repository.py" in ran
    if not {"models", "schemas", "domain", *(["repositories"] if inherits else [])}.intersection(Path(file).parts):
        return False
    defined_in = module_name(file)
    modules = [sys.modules[module_name(each)] for each in ran if module_name(each) in sys.modules]
    return any(
        getattr(value, "__module__", None) == defined_in for module in modules for value in vars(module).values()
    )


def module_name(file: str) -> str:
    """Return the name of the file's module."""
    return file.removesuffix(".py").replace("/", ".")


async def run_twice(api: httpx.AsyncClient, method: str, path: str, **options: Any) -> list[str]:
    """Send the request twice, so that everything is built and compiled, and return what has run the second time."""
    await api.request(method, f"/api/v1{path}", **options)
    with traced() as ran:
        response = await api.request(method, f"/api/v1{path}", **options)
    assert response.is_success, response.text
    return ran


async def test_verification(database: None):
    service, key = await make(make_service_key), await make(make_key)
    async with (
        served(application, inline_operations) as server,
        httpx.AsyncClient(base_url=server.url, headers={"Host": "keyhouse.localhost"}) as client,
    ):
        ran = await run_twice(client, "POST", "/keys/verify", headers=service.headers, json={"key": key.secret})
    assert_describes("Verify a key, on the fast path", ran)
    assert "apps/verification/routers/verification_router.py" not in ran


async def test_login(api: httpx.AsyncClient):
    user = await make(make_user, PASSWORD)
    ran = await run_twice(api, "POST", "/auth/login", json={"email": user.email, "password": PASSWORD})
    assert_describes("Sign in with a password", ran)


async def test_posting(api: httpx.AsyncClient):
    user, staff = await make(make_user), await superuser()
    path, posting = f"/users/{user.pk}/credits", {"amount": "5", "type": "top_up"}
    assert_describes("Post credits as staff", await run_twice(api, "POST", path, headers=staff.headers, json=posting))


async def test_list_of_keys(api: httpx.AsyncClient):
    owner = await customer()
    await make(make_key, owner.user)
    assert_describes("List one's keys", await run_twice(api, "GET", "/api-keys", headers=owner.headers))


@pytest.mark.parametrize(("title", "maximum"), [("Sign in with a password", 20), ("Post credits as staff", 16)])
def test_journeys_stay_short(title: str, maximum: int):
    assert 0 < len(listed(title)) <= maximum


def test_listed_files_exist():
    titles = re.findall(r"^### (.+)$", DOCUMENT, re.MULTILINE)
    files = [file for title in titles for file in listed(title)]
    assert [file for file in [*files, *shared()] if "/" in file and not (PROJECT / file).is_file()] == []

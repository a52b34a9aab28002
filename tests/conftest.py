"""What all tests share."""

import os
from collections.abc import Iterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, cast

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, connections
from django.test.utils import override_settings, setup_databases, teardown_databases

from apps.authentication import dependencies as authentication
from apps.core.crypto.passwords import Argon2idHasher
from apps.core.database.pool import close_pools
from apps.oauth import dependencies as oauth
from config.asgi import application
from tests.support.migrated_template import migrated_template
from tests.support.recycled_connections import recycled_connections
from tests.support.tables import empty_tables, seeds

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

TIME_COST, MEMORY_COST = Argon2idHasher.time_cost, Argon2idHasher.memory_cost


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    """Run coroutine tests as Django's TestCase does, each on an event loop of its own."""
    if not iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        try:
            await pyfuncitem.obj(**arguments)
        finally:
            await close_pools()

    async_to_sync(run)()
    return True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run end-to-end tests first: a file stays on one worker, and these take longest."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/e2e/"))


@pytest.fixture(scope="session", autouse=True)
def _quick_hashing() -> Iterator[None]:
    """Let hashing take microseconds: most tests need an account's password, few what hashing it costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Argon2idHasher, "time_cost", 1)
        patch.setattr(Argon2idHasher, "memory_cost", 64)
        yield


@pytest.fixture(scope="session", autouse=True)
def _plain_static_names() -> Iterator[None]:
    """Link static files under their plain names: only a start of the server collects them."""
    backend = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": backend}):
        yield


@pytest.fixture
def production_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with the parameters of production, for tests whose subject it is."""
    monkeypatch.setattr(Argon2idHasher, "time_cost", TIME_COST)
    monkeypatch.setattr(Argon2idHasher, "memory_cost", MEMORY_COST)


@pytest.fixture(scope="session")
def _migrated_database(django_test_environment, django_db_modify_db_settings, django_db_blocker):
    """The test database for the whole run; every connection is given back before it is dropped.

    pytest-django's own set-up prepares only databases that a `django_db` mark names, and its mark rolls back or
    flushes, which suits neither reads on other connections nor seeded rows.
    """
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template(os.environ["DATABASE_URL"])
        prepared = setup_databases(verbosity=0, interactive=False, aliases={"default": None}, serialized_aliases=set())
        with recycled_connections():
            yield
        connections.close_all()
        cast("DatabaseWrapper", connection).close_pool()
        teardown_databases(prepared, verbosity=0)


@pytest.fixture
def database(_migrated_database, django_db_blocker):
    """A database with the seeded plans and nothing else.

    Tests commit for real, because Keyhouse reads on connections of its own, which see only what is committed.
    """
    with django_db_blocker.unblock():
        seeds()
        yield
        empty_tables()
        forget_signing_keys()
        connections.close_all()


def forget_signing_keys() -> None:
    # The process keeps the keys it has read, which are gone with the rows.
    for dependency in [*vars(authentication).values(), *vars(oauth).values()]:
        if hasattr(dependency, "cache_clear"):
            dependency.cache_clear()


@pytest.fixture
def api(database) -> httpx.AsyncClient:
    """A client that speaks to the ASGI application in this process, through its doors."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://keyhouse.localhost")

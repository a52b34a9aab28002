"""The project follows its rules, and every rule finds a breach."""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from statistics import median
from textwrap import dedent

import pytest

from config.installed_apps import OWN_APPS
from tests.architecture import rules
from tests.architecture.import_contracts import ForbiddenToApps, LayeredApps, LayersInEachApp
from tests.architecture.source import PROGRAM, PROJECT, Source, read_sources

pytestmark = pytest.mark.unit

PROGRAM_SOURCES = read_sources(*PROGRAM)
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
TEST_SOURCES = read_sources("tests")
MEDIAN_LIMIT = 10
SHARED_COUNTS = {"login", "passkeys", "second-factor", "step-up"}  # by several operations, or by API and admin

SERVICE = "apps/credits/services/ledger.py"
ROUTER = "apps/credits/routers/ledger.py"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 40
DOCUMENTED_FUNCTION = 'def f():\n    """Say.\n' + "    more\n" * 40 + '    """\n    x = 1\n'

# rule, path, source: breaches that each rule must find …
BREACHES = [
    (rules.no_import_inside_a_function, SERVICE, "def f():\n    if x:\n        import os"),
    (
        rules.no_import_inside_a_function,
        SERVICE,
        "class A:\n    async def f(self):\n        from os import path",
    ),
    (rules.no_import_inside_a_function, "apps/credits/apps.py", "def other():\n    import os"),
    (rules.no_import_inside_a_function, SERVICE, "def ready():\n    import os"),
    (rules.files_are_short, SERVICE, "x = 1\n" * 301),
    (rules.functions_are_short, SERVICE, LONG_FUNCTION),
    (rules.functions_are_short, SERVICE, f"async {LONG_FUNCTION}"),
    (rules.names_say_something, "apps/credits/services/utils.py", ""),
    (rules.names_say_something, "apps/core/helpers/text.py", ""),
    (rules.queries_stay_in_the_database_layer, SERVICE, "await User.objects.aget(pk=1)"),
    (rules.queries_stay_in_the_database_layer, SERVICE, "await user.asave()"),
    (rules.queries_stay_in_the_database_layer, SERVICE, "from asgiref.sync import sync_to_async as hop"),
    (
        rules.queries_stay_in_the_database_layer,
        "apps/core/database.py",
        "await loop.run_in_executor(None, f)",
    ),
    (rules.queries_stay_in_the_database_layer, "config/asgi.py", "await asyncio.to_thread(f)"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.users.models import User"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.users.models.user import User"),
    (rules.siblings_are_reached_through_services, SERVICE, "import apps.users.repositories.user_repository"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.users import models"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps import users"),
    (
        rules.siblings_are_reached_through_services,
        SERVICE,
        "if x:\n    from apps.users.admin import UserAdmin",
    ),
    (
        rules.siblings_are_reached_through_services,
        "apps/credits/models/hold.py",
        "from apps.users.services import UserService",
    ),
    (
        rules.siblings_are_reached_through_services,
        "apps/credits/schemas/hold.py",
        "from apps.users.services.credentials import Credentials",
    ),
    (rules.apps_have_only_the_known_layers, "apps/credits/helpers/ledger.py", ""),
    (rules.apps_have_only_the_known_layers, "apps/credits/ledger.py", ""),
    (rules.apps_have_only_the_known_layers, "apps/credits/models.py", ""),
    (rules.http_ends_at_the_routers, SERVICE, "from django.http import HttpRequest"),
    (rules.http_ends_at_the_routers, SERVICE, "import ninja"),
    (rules.http_ends_at_the_routers, "apps/credits/repositories/a.py", "from ninja.errors import HttpError"),
    (rules.nothing_is_printed, SERVICE, "print('x')"),
    (rules.nothing_is_delayed, SERVICE, "send_mail.delay(1)"),
    (rules.operations_are_async, ROUTER, "@router.get('/x')\ndef read(request): ..."),
    (rules.operations_are_async, ROUTER, "@router.api_operation(['GET'], '/x')\ndef read(request): ..."),
]

# … and code that it must allow.
KEPT = [
    (
        rules.no_import_inside_a_function,
        SERVICE,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os",
    ),
    (
        rules.no_import_inside_a_function,
        "apps/credits/apps.py",
        "class A:\n    def ready(self):\n        import os",
    ),
    (rules.files_are_short, SERVICE, "x = 1\n" * 300),
    (rules.files_are_short, "apps/credits/migrations/20261122_1600_x.py", "x = 1\n" * 301),
    (rules.functions_are_short, SERVICE, LONG_FUNCTION.removesuffix("    x = 1\n")),
    (rules.functions_are_short, SERVICE, DOCUMENTED_FUNCTION),
    (rules.names_say_something, "apps/core/snake_case.py", ""),
    (
        rules.queries_stay_in_the_database_layer,
        "apps/core/database/query.py",
        "await User.objects.aget(pk=1)",
    ),
    (rules.queries_stay_in_the_database_layer, "apps/core/crypto/a.py", "loop.run_in_executor(None, f)"),
    (rules.queries_stay_in_the_database_layer, SERVICE, "await cache.aget('x')"),
    (rules.queries_stay_in_the_database_layer, SERVICE, "await repository.get(1)"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.users.services import UserService"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.users.schemas.user_out import UserOut"),
    (
        rules.siblings_are_reached_through_services,
        SERVICE,
        "from apps.users.dependencies import user_service",
    ),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.credits.models import CreditHold"),
    (rules.siblings_are_reached_through_services, SERVICE, "from apps.core.models import Timestamped"),
    (rules.siblings_are_reached_through_services, "config/api.py", "from apps.users.routers import router"),
    (rules.apps_have_only_the_known_layers, "apps/credits/management/commands/prove.py", ""),
    (rules.apps_have_only_the_known_layers, "apps/credits/dependencies.py", ""),
    (rules.apps_have_only_the_known_layers, "apps/core/database/pool.py", ""),
    (rules.http_ends_at_the_routers, ROUTER, "from ninja import Router\nfrom django.http import HttpRequest"),
    (rules.http_ends_at_the_routers, SERVICE, "import ninja_like"),
    (rules.nothing_is_printed, SERVICE, "self.stdout.write('x')"),
    (rules.nothing_is_delayed, SERVICE, "self.delay = 1"),
    (rules.operations_are_async, ROUTER, "@router.get('/x')\nasync def read(request): ..."),
    (rules.operations_are_async, ROUTER, "def helper(): ..."),
]


def breaches(rule: Callable[[Source], Iterator[str]], sources: list[Source]) -> list[str]:
    """Return the breaches of a rule, each with its file and line."""
    return [f"{source.path}:{breach}" for source in sources for breach in rule(source)]


def sample(path: str, text: str) -> Source:
    return Source(PurePosixPath(path), dedent(text))


@pytest.mark.parametrize("rule", rules.PROGRAM_RULES, ids=lambda rule: rule.__name__)
def test_program_follows_the_rule(rule):
    assert breaches(rule, PROGRAM_SOURCES) == [], rule.__doc__


@pytest.mark.parametrize("rule", rules.TEST_RULES, ids=lambda rule: rule.__name__)
def test_tests_follow_the_rule(rule):
    assert breaches(rule, TEST_SOURCES) == [], rule.__doc__


def test_operations_are_limited_separately_unless_they_authenticate_alike():
    counted = defaultdict(list)
    for source in PROGRAM_SOURCES:
        for group, rate in rules.address_limits(source):
            counted[group].append(rate)
    shared = {group for group, rates in counted.items() if len(rates) > 1}
    assert sorted(shared - SHARED_COUNTS) == [], "give each operation a rate-limit group of its own"
    assert sorted(SHARED_COUNTS - shared) == [], "these groups of SHARED_COUNTS are not shared"
    assert sorted(group for group, rates in counted.items() if len(set(rates)) > 1) == [], "these have several rates"


def test_every_app_is_in_the_list_of_apps():
    declaring = {f"apps.{source.app}" for source in PROGRAM_SOURCES if source.path.name == "declaration.py"}
    assert len(OWN_APPS) == len(set(OWN_APPS))
    assert sorted(declaring - set(OWN_APPS)) == [], "add these apps to APP_LAYERS of config/installed_apps.py"
    assert sorted(set(OWN_APPS) - declaring) == [], "these apps of config/installed_apps.py have no declaration.py"


def test_every_folder_of_modules_is_a_package():
    folders = {source.path.parent for source in PROGRAM_SOURCES if source.path.parts[0] in {"apps", "config"}}
    missing = {
        folder for folder in folders - {PurePosixPath("apps")} if not (PROJECT / folder / "__init__.py").is_file()
    }
    assert sorted(map(str, missing)) == [], (
        "add an empty __init__.py: the import contracts do not see a folder without it"
    )


def test_import_contracts_read_the_list_of_apps():
    contracts = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    for name, kind in (
        ("apps", LayeredApps),
        ("layers", LayersInEachApp),
        ("siblings-through-services", ForbiddenToApps),
    ):
        path = f"{kind.__module__}.{kind.__name__}"
        assert f"{contracts[name]['type']}: {path}" in PYPROJECT["tool"]["importlinter"]["contract_types"]
        assert not kind.filled.keys() & contracts[name].keys()
    assert LayeredApps.filled["layers"][-1] == "core"
    assert {*LayersInEachApp.filled["containers"], "apps.core"} == set(OWN_APPS)
    assert {*ForbiddenToApps.filled["source_modules"], "apps.core"} == set(OWN_APPS)


def test_median_function_has_at_most_ten_lines():
    assert median(length for length, _ in rules.function_lengths(PROGRAM_SOURCES)) <= MEDIAN_LIMIT


def test_median_ignores_migrations():
    long = sample(SERVICE, LONG_FUNCTION)
    generated = sample("apps/credits/migrations/20261122_1600_x.py", LONG_FUNCTION)
    assert [length for length, _ in rules.function_lengths([long, generated])] == [41]


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_breach_is_found(rule, path, text):
    assert len(breaches(rule, [sample(path, text)])) == 1


@pytest.mark.parametrize(("rule", "path", "text"), KEPT)
def test_allowed_code_is_not_reported(rule, path, text):
    assert breaches(rule, [sample(path, text)]) == []


def test_every_rule_has_a_breach_and_an_allowed_sample():
    assert {rule for rule, *_ in BREACHES} == {rule for rule, *_ in KEPT} == set(rules.PROGRAM_RULES)


def test_sources_of_the_program_are_found():
    folders = {source.path.parts[0] for source in PROGRAM_SOURCES}
    assert folders == {"apps", "config", "manage.py"}

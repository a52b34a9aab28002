"""The house keeps its rules, and every rule is able to find a breach."""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from statistics import median
from textwrap import dedent

import pytest

from tests.architecture import rules
from tests.architecture.source import PROGRAM, PROJECT, Source, read_sources

pytestmark = pytest.mark.unit

PROGRAM_SOURCES = read_sources(*PROGRAM)
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
TEST_SOURCES = read_sources("tests")
MEDIAN_LIMIT = 10
SHARED_COUNTS = {"login", "passkeys", "second-factor", "step-up"}  # several ways, or doors, to the same

SERVICE = "apps/credits/services/ledger.py"
ROUTER = "apps/credits/routers/ledger.py"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 40
DOCUMENTED_FUNCTION = 'def f():\n    """Say.\n' + "    more\n" * 40 + '    """\n    x = 1\n'

# rule, path, source: what each rule must find …
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

# … and what it must leave alone.
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
    """Return what a rule finds, each with its file and line."""
    return [f"{source.path}:{breach}" for source in sources for breach in rule(source)]


def sample(path: str, text: str) -> Source:
    return Source(PurePosixPath(path), dedent(text))


@pytest.mark.parametrize("rule", rules.PROGRAM_RULES, ids=lambda rule: rule.__name__)
def test_the_program_keeps_the_rule(rule):
    assert breaches(rule, PROGRAM_SOURCES) == []


@pytest.mark.parametrize("rule", rules.TEST_RULES, ids=lambda rule: rule.__name__)
def test_the_tests_keep_the_rule(rule):
    assert breaches(rule, TEST_SOURCES) == []


def test_operations_count_their_calls_apart_unless_they_prove_the_same():
    counted = defaultdict(list)
    for source in PROGRAM_SOURCES:
        for group, rate in rules.address_limits(source):
            counted[group].append(rate)
    assert {group for group, rates in counted.items() if len(rates) > 1} == SHARED_COUNTS
    assert {group for group, rates in counted.items() if len(set(rates)) > 1} == set()


def test_every_app_is_in_the_import_contracts():
    rooms = {source.app for source in PROGRAM_SOURCES if source.path.name == "declaration.py" and source.app}
    contracts = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    floors = {room for floor in contracts["apps"]["layers"] for room in floor.split(" | ")}
    others = {f"apps.{room}" for room in rooms - {"core"}}  # core has layers of its own, and everybody stands on it
    assert floors == rooms
    assert set(contracts["layers"]["containers"]) == others
    assert set(contracts["siblings-through-services"]["source_modules"]) == others


def test_half_of_all_functions_fit_ten_lines():
    assert median(length for length, _ in rules.function_lengths(PROGRAM_SOURCES)) <= MEDIAN_LIMIT


def test_the_median_counts_what_people_wrote():
    long = sample(SERVICE, LONG_FUNCTION)
    generated = sample("apps/credits/migrations/20261122_1600_x.py", LONG_FUNCTION)
    assert [length for length, _ in rules.function_lengths([long, generated])] == [41]


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_breach_is_found(rule, path, text):
    assert len(breaches(rule, [sample(path, text)])) == 1


@pytest.mark.parametrize(("rule", "path", "text"), KEPT)
def test_what_is_allowed_is_left_alone(rule, path, text):
    assert breaches(rule, [sample(path, text)]) == []


def test_every_rule_is_shown_a_breach_and_something_allowed():
    assert {rule for rule, *_ in BREACHES} == {rule for rule, *_ in KEPT} == set(rules.PROGRAM_RULES)


def test_there_is_a_program_to_look_at():
    folders = {source.path.parts[0] for source in PROGRAM_SOURCES}
    assert folders == {"apps", "config", "manage.py"}

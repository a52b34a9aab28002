"""The project follows its conventions, and every rule reports violations."""

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
SHARED_GROUPS = {"login", "passkeys", "second-factor", "step-up"}  # used by several operations or applications

SERVICE = "apps/credits/services/ledger.py"
ROUTER = "apps/credits/routers/ledger.py"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 40
DOCUMENTED_FUNCTION = 'def f():\n    """Say.\n' + "    more\n" * 40 + '    """\n    x = 1\n'

# Rule, path and source of code that each rule must report.
VIOLATIONS = [
    (rules.imports_are_at_module_level, SERVICE, "def f():\n    if x:\n        import os"),
    (
        rules.imports_are_at_module_level,
        SERVICE,
        "class A:\n    async def f(self):\n        from os import path",
    ),
    (rules.imports_are_at_module_level, "apps/credits/apps.py", "def other():\n    import os"),
    (rules.imports_are_at_module_level, SERVICE, "def ready():\n    import os"),
    (rules.files_are_short, SERVICE, "x = 1\n" * 301),
    (rules.functions_are_short, SERVICE, LONG_FUNCTION),
    (rules.functions_are_short, SERVICE, f"async {LONG_FUNCTION}"),
    (rules.names_are_specific, "apps/credits/services/utils.py", ""),
    (rules.names_are_specific, "apps/core/helpers/text.py", ""),
    (rules.async_orm_stays_in_core, SERVICE, "await User.objects.aget(pk=1)"),
    (rules.async_orm_stays_in_core, SERVICE, "await user.asave()"),
    (rules.async_orm_stays_in_core, SERVICE, "from asgiref.sync import sync_to_async as hop"),
    (
        rules.async_orm_stays_in_core,
        "apps/core/database.py",
        "await loop.run_in_executor(None, f)",
    ),
    (rules.async_orm_stays_in_core, "config/asgi.py", "await asyncio.to_thread(f)"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.users.models import User"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.users.models.user import User"),
    (rules.siblings_are_used_through_services, SERVICE, "import apps.users.repositories.user_repository"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.users import models"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps import users"),
    (
        rules.siblings_are_used_through_services,
        SERVICE,
        "if x:\n    from apps.users.admin import UserAdmin",
    ),
    (
        rules.siblings_are_used_through_services,
        "apps/credits/models/hold.py",
        "from apps.users.services import UserService",
    ),
    (
        rules.siblings_are_used_through_services,
        "apps/credits/schemas/hold.py",
        "from apps.users.services.credentials import Credentials",
    ),
    (rules.apps_have_only_standard_layers, "apps/credits/helpers/ledger.py", ""),
    (rules.apps_have_only_standard_layers, "apps/credits/ledger.py", ""),
    (rules.apps_have_only_standard_layers, "apps/credits/models.py", ""),
    (rules.http_stays_in_routers, SERVICE, "from django.http import HttpRequest"),
    (rules.http_stays_in_routers, SERVICE, "import ninja"),
    (rules.http_stays_in_routers, "apps/credits/repositories/a.py", "from ninja.errors import HttpError"),
    (rules.nothing_is_printed, SERVICE, "print('x')"),
    (rules.no_task_queue_is_used, SERVICE, "send_mail.delay(1)"),
    (rules.operations_are_async, ROUTER, "@router.get('/x')\ndef read(request): ..."),
    (rules.operations_are_async, ROUTER, "@router.api_operation(['GET'], '/x')\ndef read(request): ..."),
]

# Rule, path and source of code that each rule must accept.
ALLOWED = [
    (
        rules.imports_are_at_module_level,
        SERVICE,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os",
    ),
    (
        rules.imports_are_at_module_level,
        "apps/credits/apps.py",
        "class A:\n    def ready(self):\n        import os",
    ),
    (rules.files_are_short, SERVICE, "x = 1\n" * 300),
    (rules.files_are_short, "apps/credits/migrations/20261122_1600_x.py", "x = 1\n" * 301),
    (rules.functions_are_short, SERVICE, LONG_FUNCTION.removesuffix("    x = 1\n")),
    (rules.functions_are_short, SERVICE, DOCUMENTED_FUNCTION),
    (rules.names_are_specific, "apps/core/snake_case.py", ""),
    (
        rules.async_orm_stays_in_core,
        "apps/core/database/query.py",
        "await User.objects.aget(pk=1)",
    ),
    (rules.async_orm_stays_in_core, "apps/core/crypto/a.py", "loop.run_in_executor(None, f)"),
    (rules.async_orm_stays_in_core, SERVICE, "await cache.aget('x')"),
    (rules.async_orm_stays_in_core, SERVICE, "await repository.get(1)"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.users.services import UserService"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.users.schemas.user_out import UserOut"),
    (
        rules.siblings_are_used_through_services,
        SERVICE,
        "from apps.users.dependencies import user_service",
    ),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.credits.models import CreditHold"),
    (rules.siblings_are_used_through_services, SERVICE, "from apps.core.models import Timestamped"),
    (rules.siblings_are_used_through_services, "config/api.py", "from apps.users.routers import router"),
    (rules.apps_have_only_standard_layers, "apps/credits/management/commands/prove.py", ""),
    (rules.apps_have_only_standard_layers, "apps/credits/dependencies.py", ""),
    (rules.apps_have_only_standard_layers, "apps/core/database/pool.py", ""),
    (rules.http_stays_in_routers, ROUTER, "from ninja import Router\nfrom django.http import HttpRequest"),
    (rules.http_stays_in_routers, SERVICE, "import ninja_like"),
    (rules.nothing_is_printed, SERVICE, "self.stdout.write('x')"),
    (rules.no_task_queue_is_used, SERVICE, "self.delay = 1"),
    (rules.operations_are_async, ROUTER, "@router.get('/x')\nasync def read(request): ..."),
    (rules.operations_are_async, ROUTER, "def helper(): ..."),
]


def violations(rule: Callable[[Source], Iterator[str]], sources: list[Source]) -> list[str]:
    """Return the violations of a rule, each with its file and line."""
    return [f"{source.path}:{violation}" for source in sources for violation in rule(source)]


def sample(path: str, text: str) -> Source:
    return Source(PurePosixPath(path), dedent(text))


@pytest.mark.parametrize("rule", rules.PROGRAM_RULES, ids=lambda rule: rule.__name__)
def test_program_follows_the_rule(rule):
    assert violations(rule, PROGRAM_SOURCES) == []


@pytest.mark.parametrize("rule", rules.TEST_RULES, ids=lambda rule: rule.__name__)
def test_tests_follow_the_rule(rule):
    assert violations(rule, TEST_SOURCES) == []


def test_address_limit_groups_are_unique_except_shared_ones():
    rates_by_group = defaultdict(list)
    for source in PROGRAM_SOURCES:
        for group, rate in rules.address_limits(source):
            rates_by_group[group].append(rate)
    assert {group for group, rates in rates_by_group.items() if len(rates) > 1} == SHARED_GROUPS
    assert {group for group, rates in rates_by_group.items() if len(set(rates)) > 1} == set()


def test_import_contracts_list_every_app():
    apps = {source.app for source in PROGRAM_SOURCES if source.path.name == "declaration.py" and source.app}
    contracts = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    layered = {app for layer in contracts["apps"]["layers"] for app in layer.split(" | ")}
    others = {f"apps.{app}" for app in apps - {"core"}}  # core has its own layers, and every app may import it
    assert layered == apps
    assert set(contracts["layers"]["containers"]) == others
    assert set(contracts["siblings-through-services"]["source_modules"]) == others


def test_median_function_length_is_at_most_ten_lines():
    assert median(length for length, _ in rules.function_lengths(PROGRAM_SOURCES)) <= MEDIAN_LIMIT


def test_function_lengths_exclude_migrations():
    long = sample(SERVICE, LONG_FUNCTION)
    generated = sample("apps/credits/migrations/20261122_1600_x.py", LONG_FUNCTION)
    assert [length for length, _ in rules.function_lengths([long, generated])] == [41]


@pytest.mark.parametrize(("rule", "path", "text"), VIOLATIONS)
def test_violation_is_reported(rule, path, text):
    assert len(violations(rule, [sample(path, text)])) == 1


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_allowed_code_is_not_reported(rule, path, text):
    assert violations(rule, [sample(path, text)]) == []


def test_every_rule_has_examples_of_violations_and_allowed_code():
    assert {rule for rule, *_ in VIOLATIONS} == {rule for rule, *_ in ALLOWED} == set(rules.PROGRAM_RULES)


def test_program_sources_are_found():
    folders = {source.path.parts[0] for source in PROGRAM_SOURCES}
    assert folders == {"apps", "config", "manage.py"}

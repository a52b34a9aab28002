"""Rules of the project that can be checked on the source alone. Each yields its breaches in a file, as `line: what`."""

import ast
from collections.abc import Iterator

from tests.architecture.source import Function, Source, length_of

FILE_LIMIT = 300
FUNCTION_LIMIT = 40
LAYERS = {"models", "schemas", "repositories", "services", "routers", "admin", "management", "migrations", "domain"}
SINGLE_FILES = {"__init__", "declaration", "dependencies"}
PUBLIC_LAYERS = {"services", "schemas", "dependencies", "domain"}
PUBLIC_LAYERS_FOR: dict[str | None, set[str]] = {
    "management": {*PUBLIC_LAYERS, "management"},
    "models": {"domain"},
    "repositories": {"domain"},
    "schemas": {"schemas", "domain"},
    "domain": {"domain"},
}
BELOW_ROUTERS = {"models", "repositories", "services"}
HTTP_MODULES = ("ninja", "django.http", "django.views", "django.shortcuts", "django.urls")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}
VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "api_operation"}
HOPS_ALLOWED = ("apps/core/database", "apps/core/crypto", "apps/core/event_loop.py", "apps/core/rate_limits")
HOPS = {"sync_to_async", "async_to_sync", "to_thread", "run_in_executor"}
ORM_COROUTINES = {
    "aaggregate", "aadd", "abulk_create", "abulk_update", "aclear", "acontains", "acount", "acreate",
    "adelete", "aearliest", "aexists", "aexplain", "afirst", "aget", "aget_or_create", "ain_bulk",
    "aiterator", "alast", "alatest", "arefresh_from_db", "aremove", "asave", "aset", "aupdate",
    "aupdate_or_create",
}  # fmt: skip


def no_import_inside_a_function(source: Source) -> Iterator[str]:
    """Imports stand at the top of the file; only AppConfig.ready may import, after the models are loaded."""
    for function in source.functions():
        if source.path.name == "apps.py" and function.name == "ready":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{node.lineno}: import inside {function.name}"


def files_are_short(source: Source) -> Iterator[str]:
    """A file has one subject. Migrations are generated and may be longer."""
    lines = len(source.text.splitlines())
    if lines > FILE_LIMIT and source.layer != "migrations":
        yield f"{lines}: {lines} lines, more than {FILE_LIMIT}"


def functions_are_short(source: Source) -> Iterator[str]:
    """A function does one thing."""
    for function in source.functions():
        if length_of(function) > FUNCTION_LIMIT:
            yield f"{function.lineno}: {function.name} has {length_of(function)} lines"


def names_say_something(source: Source) -> Iterator[str]:
    """A module is named after its content."""
    for part in source.path.with_suffix("").parts:
        if part in VAGUE_NAMES:
            yield f"1: {part} does not say what the module contains"


def queries_stay_in_the_database_layer(source: Source) -> Iterator[str]:
    """Each `aget` and each hop takes a thread; core's own layers avoid them, or bound how many run."""
    if any(source.path.is_relative_to(folder) for folder in HOPS_ALLOWED):
        return
    yield from (f"{line}: {name}" for line, name in source.imports() if name.rpartition(".")[2] in HOPS)
    for node in source.nodes(ast.Attribute):
        if node.attr in HOPS or _is_query(node):
            yield f"{node.lineno}: {node.attr}"


def siblings_are_reached_through_services(source: Source) -> Iterator[str]:
    """An app imports a sibling's services and schemas; its schemas only schemas, its repositories only domain."""
    if source.app in (None, "core"):
        return
    for line, name in source.imports():
        _, _, path = f"{name}.".partition("apps.")
        app, _, rest = path.partition(".")
        if not name.startswith("apps.") or app in (source.app, "core"):
            continue
        if rest.partition(".")[0] not in PUBLIC_LAYERS_FOR.get(source.layer, PUBLIC_LAYERS):
            yield f"{line}: {name}"


def apps_have_only_the_known_layers(source: Source) -> Iterator[str]:
    """All apps have the same layers; core has packages of its own."""
    if source.app in (None, "core"):
        return
    allowed = SINGLE_FILES if len(source.path.parts) == 3 else LAYERS
    if source.layer not in allowed:
        yield f"1: {source.path.parts[2]} is no layer of an app"


def http_ends_at_the_routers(source: Source) -> Iterator[str]:
    """Commands and the admin call services too, so nothing below the routers may depend on HTTP requests."""
    if source.app in (None, "core") or source.layer not in BELOW_ROUTERS:
        return
    for line, name in source.imports():
        if any(f"{name}.".startswith(f"{module}.") for module in HTTP_MODULES):
            yield f"{line}: {name}"


def nothing_is_printed(source: Source) -> Iterator[str]:
    """A program writes to its log, a command to its stdout."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            yield f"{call.lineno}: print"


def nothing_is_delayed(source: Source) -> Iterator[str]:
    """There is no message broker: deferred work is a row in the database."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"delay", "apply_async"}:
            yield f"{call.lineno}: .{call.func.attr}"


def operations_are_async(source: Source) -> Iterator[str]:
    """A synchronous operation would block the event loop of the API application, or take a thread."""
    if source.layer != "routers":
        return
    for function in source.nodes(ast.FunctionDef):
        if any(_is_operation(decorator) for decorator in function.decorator_list):
            yield f"{function.lineno}: {function.name} is not async"


PROGRAM_RULES = (
    no_import_inside_a_function,
    files_are_short,
    functions_are_short,
    names_say_something,
    queries_stay_in_the_database_layer,
    siblings_are_reached_through_services,
    apps_have_only_the_known_layers,
    http_ends_at_the_routers,
    nothing_is_printed,
    nothing_is_delayed,
    operations_are_async,
)
TEST_RULES = (no_import_inside_a_function, files_are_short, functions_are_short, names_say_something)


def address_limits(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the group and the rate of each call of `limit_by_address`, direct or by `call_service`."""
    for call in source.nodes(ast.Call):
        parts = [call.func, *call.args] if source.layer == "routers" else call.args
        if parts and isinstance(parts[0], ast.Name) and parts[0].id == "limit_by_address":
            _, _, group, *rate = parts
            yield ast.literal_eval(group), ast.unparse(rate[0]) if rate else "PUBLIC"


def function_lengths(sources: list[Source]) -> list[tuple[int, Function]]:
    """Return the length of every function outside the generated migrations."""
    written = (source for source in sources if source.layer != "migrations")
    return [(length_of(function), function) for source in written for function in source.functions()]


def _is_query(node: ast.Attribute) -> bool:
    """Return whether this names a coroutine of the ORM; `aget` of a cache is allowed."""
    return node.attr in ORM_COROUTINES and not ast.unparse(node.value).lower().endswith("cache")


def _is_operation(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(call, ast.Attribute) and call.attr in VERBS

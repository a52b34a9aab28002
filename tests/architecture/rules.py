"""The house rules that the source alone shows. Each yields what is wrong with a file, as `line: what`."""

import ast
from collections.abc import Iterator

from tests.architecture.source import Function, Source, length_of

FILE_LIMIT = 300
FUNCTION_LIMIT = 40
LAYERS = {"models", "schemas", "repositories", "services", "routers", "admin", "management", "migrations", "domain"}
SINGLE_FILES = {"__init__", "declaration", "dependencies"}
PUBLIC_LAYERS = {"services", "schemas", "dependencies", "domain"}
PUBLIC_LAYERS_FOR: dict[str | None, set[str]] = {
    "models": {"domain"},
    "repositories": {"domain"},
    "schemas": {"schemas", "domain"},
    "domain": {"domain"},
}
BELOW_ROUTERS = {"models", "repositories", "services"}
HTTP_MODULES = ("ninja", "django.http", "django.views", "django.shortcuts", "django.urls")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}
VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "api_operation"}
HOPS_ALLOWED = ("apps/core/database", "apps/core/crypto", "apps/core/event_loop", "apps/core/rate_limits")
HOPS = {"sync_to_async", "async_to_sync", "to_thread", "run_in_executor"}
ORM_COROUTINES = {
    "aaggregate", "aadd", "abulk_create", "abulk_update", "aclear", "acontains", "acount", "acreate",
    "adelete", "aearliest", "aexists", "aexplain", "afirst", "aget", "aget_or_create", "ain_bulk",
    "aiterator", "alast", "alatest", "arefresh_from_db", "aremove", "asave", "aset", "aupdate",
    "aupdate_or_create",
}  # fmt: skip


def no_import_inside_a_function(source: Source) -> Iterator[str]:
    """Imports stand at the top, where they show; only AppConfig.ready may wait for the models."""
    for function in source.functions():
        if source.path.name == "apps.py" and function.name == "ready":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{node.lineno}: import inside {function.name}"


def files_are_short(source: Source) -> Iterator[str]:
    """A file fits one subject; Django writes migrations, so they may be as long as they need."""
    lines = len(source.text.splitlines())
    if lines > FILE_LIMIT and source.layer != "migrations":
        yield f"{lines}: {lines} lines, more than {FILE_LIMIT}"


def functions_are_short(source: Source) -> Iterator[str]:
    """A function fits one thought."""
    for function in source.functions():
        if length_of(function) > FUNCTION_LIMIT:
            yield f"{function.lineno}: {function.name} has {length_of(function)} lines"


def names_say_something(source: Source) -> Iterator[str]:
    """A module is named after what it holds; a drawer for the rest only fills."""
    for part in source.path.with_suffix("").parts:
        if part in VAGUE_NAMES:
            yield f"1: {part} says nothing"


def queries_stay_in_the_database_layer(source: Source) -> Iterator[str]:
    """Each `aget` and each hop takes a thread; core's own layers do without, or bound how many run."""
    if any(source.path.is_relative_to(folder) for folder in HOPS_ALLOWED):
        return
    yield from (f"{line}: {name}" for line, name in source.imports() if name.rpartition(".")[2] in HOPS)
    for node in source.nodes(ast.Attribute):
        if node.attr in HOPS or _is_query(node):
            yield f"{node.lineno}: {node.attr}"


def siblings_are_reached_through_services(source: Source) -> Iterator[str]:
    """An app knows of a sibling what it promises; schemas know its schemas, models and repositories none at all."""
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
    """Whoever knows one app knows their way in every other; core, on which they stand, has its own rooms."""
    if source.app in (None, "core"):
        return
    allowed = SINGLE_FILES if len(source.path.parts) == 3 else LAYERS
    if source.layer not in allowed:
        yield f"1: {source.path.parts[2]} is no layer of an app"


def http_ends_at_the_routers(source: Source) -> Iterator[str]:
    """The rules hold for commands and the admin too, so nothing below the routers may know of requests."""
    if source.app in (None, "core") or source.layer not in BELOW_ROUTERS:
        return
    for line, name in source.imports():
        if any(f"{name}.".startswith(f"{module}.") for module in HTTP_MODULES):
            yield f"{line}: {name}"


def nothing_is_printed(source: Source) -> Iterator[str]:
    """What a program has to say goes to its log, what a command has to say to its stdout."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            yield f"{call.lineno}: print"


def nothing_is_delayed(source: Source) -> Iterator[str]:
    """There is no second broker: work for later is a row in the database."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"delay", "apply_async"}:
            yield f"{call.lineno}: .{call.func.attr}"


def operations_are_async(source: Source) -> Iterator[str]:
    """A synchronous operation would hold up, or cost a thread to, every caller of the client door."""
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
    """Yield what each call of `limit_by_address`, by itself or by `call_service`, counts, and by which rate."""
    for call in source.nodes(ast.Call):
        said = [call.func, *call.args] if source.layer == "routers" else call.args
        if said and isinstance(said[0], ast.Name) and said[0].id == "limit_by_address":
            _, _, group, *rate = said
            yield ast.literal_eval(group), ast.unparse(rate[0]) if rate else "PUBLIC"


def function_lengths(sources: list[Source]) -> list[tuple[int, Function]]:
    """Return the length of every function that people wrote."""
    written = (source for source in sources if source.layer != "migrations")
    return [(length_of(function), function) for source in written for function in source.functions()]


def _is_query(node: ast.Attribute) -> bool:
    """Say whether this names a coroutine of the ORM; a cache has an `aget` too, and keeps it."""
    return node.attr in ORM_COROUTINES and not ast.unparse(node.value).lower().endswith("cache")


def _is_operation(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(call, ast.Attribute) and call.attr in VERBS

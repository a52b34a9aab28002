"""Where a transaction may be opened, and what may be called inside one. Each rule yields its breaches in a file."""

import ast
from collections.abc import Iterator

from tests.architecture.source import Function, Source

OPENER = "apps.core.database.transaction."
IN_TRANSACTION = "in_transaction"
NOT_FOR_REPOSITORIES = ("apps.audit.", "apps.mail.")

OWNED = "OwnedService"


def transactions_are_opened_by_services(source: Source) -> Iterator[str]:
    """Who opens a transaction has the whole story in it: a service, and none that joins its caller's transaction."""
    if source.app in (None, "core") or (source.layer == "services" and not _joins(source)):
        return
    yield from (f"{line}: {name}" for line, name in source.imports() if name.startswith(OPENER))


def repositories_know_rows_only(source: Source) -> Iterator[str]:
    """A repository reads and writes rows: the audit trail, mail and rules are the services'."""
    if source.layer != "repositories" or source.app == "core":
        return
    for line, name in source.imports():
        is_sibling = name.startswith(NOT_FOR_REPOSITORIES) and not name.startswith(f"apps.{source.app}.")
        if is_sibling or (name.startswith("apps.") and name.split(".")[2:3] == ["services"]):
            yield f"{line}: {name}"


def services_called_in_a_transaction_join_it(source: Source) -> Iterator[str]:
    """Inside a transaction a service awaits repositories and what stands in a package `in_transaction`."""
    modules = {name.rpartition(".")[2]: name for _, name in source.imports()}
    for definition in source.nodes(ast.ClassDef):
        types = _attribute_types(definition)
        for block in filter(_is_transaction, ast.walk(definition)):
            for attribute, line, call in _awaited(block):
                module = modules.get(types.get(attribute, ""), "")
                if ".services." in module and f".{IN_TRANSACTION}." not in module:
                    yield f"{line}: {call} of {module}"


def operations_with_a_transaction(source: Source) -> Iterator[str]:
    """Yield the operations of services that open a transaction, as tests/support/operation_locks.py names them."""
    if source.layer != "services" or source.app == "core":
        return
    for definition in source.nodes(ast.ClassDef):
        for function in definition.body:
            if isinstance(function, Function) and any(map(_is_transaction, ast.walk(function))):
                yield f"{source.app}.{definition.name}.{function.name}"


def owned_services(source: Source) -> Iterator[str]:
    """Yield OwnedService and the services that derive from it, as tests/support/operation_locks.py names them."""
    for definition in source.nodes(ast.ClassDef):
        if definition.name == OWNED or any(ast.unparse(base).startswith(f"{OWNED}[") for base in definition.bases):
            yield f"{source.app}.{definition.name}"


TRANSACTION_RULES = (
    transactions_are_opened_by_services,
    repositories_know_rows_only,
    services_called_in_a_transaction_join_it,
)


def _joins(source: Source) -> bool:
    return IN_TRANSACTION in source.path.parts


def _is_transaction(node: ast.AST) -> bool:
    return isinstance(node, ast.AsyncWith) and any(
        isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func) == "transaction"
        for item in node.items
    )


def _attribute_types(definition: ast.ClassDef) -> dict[str, str]:
    """Return the class of each attribute that `__init__` or the class body declares."""
    types = {}
    for node in ast.walk(definition):
        match node:
            case ast.FunctionDef(name="__init__"):
                given = {each.arg: each.annotation for each in [*node.args.args, *node.args.kwonlyargs]}
                for target, name in _stored(node):
                    types[target] = _class_of(given.get(name))
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                types[name] = _class_of(annotation)
            case _:
                pass
    return types


def _stored(initialiser: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield `a, b` of each `self.a = b`."""
    for node in ast.walk(initialiser):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=target)], value=ast.Name(id=name)):
                yield target, name
            case _:
                pass


def _class_of(annotation: ast.expr | None) -> str:
    return ast.unparse(annotation).partition("[")[0] if annotation else ""


def _awaited(block: ast.AST) -> Iterator[tuple[str, int, str]]:
    """Yield the attribute, the line and the text of each `await self.attribute.method(…)`."""
    for node in ast.walk(block):
        match node:
            case ast.Await(value=ast.Call(func=ast.Attribute(value=ast.Attribute(attr=attribute)) as called)):
                yield attribute, node.lineno, ast.unparse(called)
            case _:
                pass

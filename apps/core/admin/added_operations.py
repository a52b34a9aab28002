"""Operations that an app adds to the admin pages of a lower app, which must not import it."""

from apps.core.admin.operation import Operation

_added: dict[str, list[Operation]] = {}


def add_operation(model_label: str, operation: Operation) -> None:
    """Add the operation to the admin pages of the model, such as `users.User`. Call it when the app's `admin` loads."""
    _added.setdefault(model_label, []).append(operation)


def added_operations(model_label: str) -> tuple[Operation, ...]:
    """Return the operations that other apps have added to the model's pages."""
    return tuple(_added.get(model_label, ()))

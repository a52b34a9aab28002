"""Operations that an app adds to the admin pages of an app below it, which must not import it."""

from apps.core.admin.operation import Operation

_added: dict[str, list[Operation]] = {}


def add_operation(model_label: str, operation: Operation) -> None:
    """Offer the operation on the pages of this model too (`users.User`); call it as the adding app's `admin` loads."""
    _added.setdefault(model_label, []).append(operation)


def added_operations(model_label: str) -> tuple[Operation, ...]:
    """Return what other apps have added to the model's pages."""
    return tuple(_added.get(model_label, ()))

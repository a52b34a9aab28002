"""Operations that a room adds to the pages of a room below it, which knows nothing of it."""

from apps.core.admin.operation import Operation

_added: dict[str, list[Operation]] = {}


def add_operation(model_label: str, operation: Operation) -> None:
    """Offer the operation on the pages of this model, such as `users.User`, too; called as one's own `admin` loads.

    Django loads the rooms' `admin` in the order of INSTALLED_APPS, the highest floor first, so that whoever adds comes
    before whoever shows.
    """
    _added.setdefault(model_label, []).append(operation)


def added_operations(model_label: str) -> tuple[Operation, ...]:
    """Return what other rooms have added to the model's pages."""
    return tuple(_added.get(model_label, ()))

"""Operations on one or many rows of the admin, with a confirmation page."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.http import HttpResponse

from apps.core.admin.schema_form import ReasonForm
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service

# Applies the operation to the row with this id, by calling a service. ServiceAdmin.after_operation gets the results.
Perform = Callable[[Principal, int, forms.Form], Any]
# Builds the HTTP response from the results.
BuildResponse = Callable[[Sequence[Any]], HttpResponse]


def always(_row: Any) -> bool:
    """Offer the operation for every row."""
    return True


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A button on the row's page and, with `in_bulk`, an action of the list. Both open the same confirmation page.

    `label` is the text of the button, such as Deactivate; `button` replaces it on the confirmation page. `title` is the
    title of that page and `done` the success message: `Deactivate {rows}` and `{rows} deactivated`. `{rows}` becomes
    the name of a single row or the number of rows, `{owner}` the owner of a single row. `explanation` describes the
    effects. `scopes` are all required; without any, one of the page's for changes is. `form_class` asks for the reason,
    and for what else is needed; its cleaned `reason` becomes the actor's. `applies` returns whether the operation is
    available for a row.
    `is_deletion` is true where the rows have no page afterwards. `tab` is the tab of the customer page to return to,
    for operations on accounts. `build_response` returns a response that replaces the redirect.
    """

    name: str
    label: str
    title: str
    done: str
    explanation: str
    button: str = ""
    perform: Perform
    scopes: tuple[str, ...] = ()
    form_class: type[forms.Form] = ReasonForm
    in_bulk: bool = True
    is_dangerous: bool = False
    is_deletion: bool = False
    tab: str = ""
    applies: Callable[[Any], bool] = always
    build_response: BuildResponse | None = None


class DeletingService(Protocol):
    """A service that deletes rows of one kind."""

    def delete(self, actor: Principal, row_id: int, /) -> Awaitable[None]:
        """Delete the row."""


def is_not_deleted(row: Any) -> bool:
    """Return whether the row exists. Models without soft deletion have no `deleted_at`."""
    return getattr(row, "deleted_at", None) is None


def deletion(service: Callable[[], DeletingService], explanation: str, **more: Any) -> Operation:
    """Return the operation that deletes rows through the service. It requires a scope of the page for deletions.

    `more` replaces fields of the operation, such as `form_class`.
    """

    def delete(actor: Principal, row_id: int, _form: forms.Form) -> None:
        call_service(service().delete, actor, row_id)

    fields: dict[str, Any] = {
        "name": "delete",
        "label": "Delete",
        "title": "Delete {rows}",
        "done": "{rows} deleted",
        "perform": delete,
        "applies": is_not_deleted,
        "is_dangerous": True,
        "is_deletion": True,
    }
    return Operation(explanation=explanation, **{**fields, **more})


# By model: operations of an app on a lower app, which must not import it.
_added: dict[str, list[Operation]] = {}


def add_operation(model_label: str, operation: Operation) -> None:
    """Add the operation to the admin pages of the model, such as `users.User`. Call it when the app's `admin` loads."""
    _added.setdefault(model_label, []).append(operation)


def added_operations(model_label: str) -> tuple[Operation, ...]:
    """Return the operations that other apps have added to the model's pages."""
    return tuple(_added.get(model_label, ()))

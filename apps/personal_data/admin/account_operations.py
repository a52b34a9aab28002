"""Exporting a customer's data from the account's page."""

from collections.abc import Sequence
from typing import Any

from django.forms import Form
from django.http import HttpResponse

from apps.core.admin.added_operations import add_operation
from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.personal_data.dependencies import data_export
from apps.personal_data.services.data_export import uncounted


def _export(actor: Principal, user_id: int, _form: Form) -> tuple[int, bytes]:
    return user_id, call_service(data_export().of_customer, actor, user_id, uncounted)


def _download(results: Sequence[Any]) -> HttpResponse:
    ((user_id, document),) = results
    name = f"account-{user_id}.json"
    return HttpResponse(
        document,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _is_living(user: Any) -> bool:
    return user.deleted_at is None


EXPORT = Operation(
    name="export",
    label="Export data",
    order="Export the data of {rows}",
    done="Data of {rows} exported",
    explanation="You get all that is kept of this person as a file, to hand it to them and to nobody else.",
    perform=_export,
    in_bulk=False,
    applies=_is_living,
    build_response=_download,
)
add_operation("users.User", EXPORT)

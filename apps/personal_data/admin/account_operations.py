"""The operation that exports a customer's personal data, on the account's page."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from apps.core.admin.operation import Operation, add_operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.core.http.error_responses import JSON_CONTENT_TYPE
from apps.personal_data.dependencies import data_export
from apps.personal_data.services.data_export import EXPORT_SCOPES


async def _document(actor: Principal, user_id: int, once: str) -> bytes:
    return await data_export().document(await data_export().allow(actor, user_id), once)


def _export(actor: Principal, user_id: int, form: Any) -> tuple[int, bytes]:
    return user_id, call_service(_document, actor, user_id, form.one_time_key)


def _download(results: Sequence[Any]) -> HttpResponse:
    ((user_id, document),) = results
    name = f"account-{user_id}.json"
    return HttpResponse(
        document,
        content_type=JSON_CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _is_not_deleted(user: Any) -> bool:
    return user.deleted_at is None


EXPORT = Operation(
    name="export",
    label="Export data",
    title="Export the data of {rows}",
    done="Data of {rows} exported",
    explanation="Downloads the account's personal data as a file. Give the file to the owner of the account only.",
    perform=_export,
    scopes=EXPORT_SCOPES,
    in_bulk=False,
    applies=_is_not_deleted,
    build_response=_download,
)
add_operation("users.User", EXPORT)

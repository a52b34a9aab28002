"""Does what a form asks for once, however often the browser sends it."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from apps.core.admin.one_time_forms import allow_to_show, one_time_key
from apps.core.admin.staff_rights import acting_staff
from apps.core.event_loop import call_service
from apps.idempotency.dependencies import one_time_forms

LOCK_SECONDS = 10  # how long a second click waits for the first
LOCK = "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(hashtextextended('form ' || %s, 0))"


def done_once[V: Callable[..., HttpResponseBase]](view: V) -> V:
    """Return the view of a page for signed-in staff, which handles each form once and repeats its redirect.

    A form that was refused has not been done, and may be sent again. The lock makes the second of two clicks wait for
    the first; the services have their own transactions, and their own idempotency where repeating would harm.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **options)
        key, actor = one_time_key(request), acting_staff(request)
        with transaction.atomic():
            _lock(key)
            destination = call_service(one_time_forms().recall, actor, key)
            if destination is None:
                response = view(request, *args, **options)
                if response.status_code == HTTPStatus.FOUND:
                    call_service(one_time_forms().remember, actor, key, response["Location"])
                return response
        response = HttpResponseRedirect(destination)
        allow_to_show(request, response)
        return response

    return page  # type: ignore[return-value]  # it has the arguments of the view


def _lock(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [f"{LOCK_SECONDS}s", key])

"""Does what a form asks for once, however often the browser sends it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any

import orjson
from django.contrib import messages
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from apps.core.admin.one_time_forms import allow_to_show, one_time_key, opened_at, same_form_key
from apps.core.admin.staff_rights import acting_staff
from apps.core.event_loop import call_service
from apps.idempotency.dependencies import one_time_forms

LOCK_SECONDS = 10  # how long a second click waits for the first
LOCK = "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(hashtextextended('form ' || %s, 0))"
SENT_ALREADY = (
    "The same form was sent from another page at {time} UTC, after you had opened this one. It was not sent again. To "
    "do the same once more, open the form again."
)


def done_once[V: Callable[..., HttpResponseBase]](view: V) -> V:
    """Return the view of a page for signed-in staff, which handles each form once and repeats its redirect.

    A form that was refused has not been done, and may be sent again. The lock makes the second of two clicks wait for
    the first; the services have their own transactions, and their own idempotency where repeating would harm.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **options)
        with transaction.atomic():
            _lock(f"{acting_staff(request).user_id} {same_form_key(request) or one_time_key(request)}")
            destination = _recalled(request)
            if destination is None:
                response = view(request, *args, **options)
                if response.status_code == HTTPStatus.FOUND:
                    _remember(request, response["Location"])
                return response
        response = HttpResponseRedirect(destination)
        allow_to_show(request, response)
        return response

    return page  # type: ignore[return-value]  # it has the arguments of the view


def _recalled(request: HttpRequest) -> str | None:
    """Return where this form has led, or the same form that was opened in another tab before it was done here."""
    actor = acting_staff(request)
    destination = call_service(one_time_forms().recall, actor, one_time_key(request))
    opened, key = opened_at(request), same_form_key(request)
    if destination or opened is None or key is None:
        return destination
    last = call_service(one_time_forms().recall, actor, key)
    done_at, former = orjson.loads(last) if last else (opened, None)
    if done_at <= opened:
        return None
    messages.warning(request, SENT_ALREADY.format(time=f"{datetime.fromtimestamp(done_at, UTC):%Y-%m-%d %H:%M}"))
    return str(former)


def _remember(request: HttpRequest, destination: str) -> None:
    actor, key = acting_staff(request), same_form_key(request)
    call_service(one_time_forms().remember, actor, one_time_key(request), destination)
    if key is not None and opened_at(request) is not None:
        done = orjson.dumps([time.time(), destination]).decode()
        call_service(one_time_forms().replace, actor, key, done)


def _lock(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [f"{LOCK_SECONDS}s", key])

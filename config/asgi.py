"""The two doors and the lane, composed for the server."""

import gc
import os
import sys
from typing import TYPE_CHECKING, cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_asgi_application()  # also sets Django up, so it comes before what needs Django's settings

from django.conf import settings  # noqa: E402

from apps.core.api_path import API_PATH  # noqa: E402
from apps.core.http.client_door import ClientDoor  # noqa: E402
from apps.core.http.door_settings import DoorSettings  # noqa: E402
from apps.core.http.front import Front  # noqa: E402
from apps.core.http.staff_door import StaffDoor  # noqa: E402
from apps.verification.routers.verify_lane import verify_lane  # noqa: E402
from config.documentation import openapi_bytes  # noqa: E402
from config.serving.background import background_jobs  # noqa: E402
from config.serving.worker_process import end_with_parent  # noqa: E402

if TYPE_CHECKING:
    from apps.core.http.asgi_types import Application

end_with_parent()
openapi_bytes()  # takes a while, so now rather than on the event loop at the first request for it
door_settings = DoorSettings(
    trusted_proxies=settings.ENVIRONMENT.trusted_networks,
    allowed_origins=frozenset(settings.ENVIRONMENT.cors_allowed_origins),
    https_only=settings.ENVIRONMENT.serves_https_only,
    access_log=settings.ENVIRONMENT.access_log,
    staff_requests_maximum=settings.STAFF_REQUESTS_MAXIMUM,
)
lanes = {f"{API_PATH}/keys/verify": verify_lane}
client_door = ClientDoor(door_settings, lanes)
staff_door = StaffDoor(cast("Application", django), door_settings)
application = Front(client_door, staff_door, door_settings, background_jobs())
# How long another thread (Django's transactions, hashing) may keep the event loop from the interpreter.
sys.setswitchinterval(0.0005)
# What is loaded by now stays as long as the process: the garbage collector need not look at it ever again.
gc.collect()
gc.freeze()

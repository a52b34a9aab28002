"""The API application, the static application and the admin application, composed for the server."""

import atexit
import gc
import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_asgi_application()  # also sets Django up, so it comes before what needs Django's settings

from django.conf import settings  # noqa: E402

from apps.core.http.access_log import AccessLog  # noqa: E402
from apps.core.http.admin_application import AdminApplication  # noqa: E402
from apps.core.http.api_application import ApiApplication  # noqa: E402
from apps.core.http.connections import LOOPBACK, ConnectionLimits, ConnectionTable  # noqa: E402
from apps.core.http.http_protocol import HttpProtocol  # noqa: E402
from apps.core.http.http_settings import HttpSettings  # noqa: E402
from apps.core.http.log_output import LogOutput  # noqa: E402
from apps.core.http.protocol_context import ProtocolContext  # noqa: E402
from apps.core.http.root_application import RootApplication  # noqa: E402
from apps.core.http.static_application import StaticApplication  # noqa: E402
from apps.core.values.api_contract import API_PATH  # noqa: E402
from apps.verification.dependencies import verification_service  # noqa: E402
from apps.verification.routers.verify_fast_path import VerifyOperation  # noqa: E402
from config.api import openapi_bytes  # noqa: E402
from config.serving.worker import background_jobs, end_with_parent  # noqa: E402

if TYPE_CHECKING:
    from apps.core.http.asgi import Application

STANDARD_ERROR = 2

end_with_parent()
openapi_bytes()  # slow, so at start, not on the event loop at the first request for it
GARBAGE_THRESHOLDS = (50_000, 20, 50)
http_settings = HttpSettings(
    trusted_proxies=settings.ENVIRONMENT.trusted_networks,
    allowed_hosts=tuple(settings.ALLOWED_HOSTS),
    allowed_origins=frozenset(settings.ENVIRONMENT.cors_allowed_origins),
    https_only=settings.ENVIRONMENT.serves_https_only,
    strict_transport_security=settings.ENVIRONMENT.strict_transport_security,
    admin_requests_maximum=settings.STAFF_REQUESTS_MAXIMUM,
)
api_application = ApiApplication(http_settings)
admin_application = AdminApplication(cast("Application", django), http_settings)
static_application = StaticApplication(settings.STATIC_ROOT, http_settings)
access_log = None
if settings.ENVIRONMENT.access_log and logging.getLogger("keyhouse.access").isEnabledFor(logging.INFO):
    access_log = AccessLog(LogOutput(STANDARD_ERROR), as_json=settings.ENVIRONMENT.is_production)
    atexit.register(access_log.flush)
application = RootApplication(
    api_application, admin_application, http_settings, background_jobs(), static_application, access_log
)
connections = ConnectionTable(
    ConnectionLimits(
        connections_maximum=settings.ENVIRONMENT.connections_maximum,
        connections_per_address=settings.ENVIRONMENT.connections_per_address_maximum,
        uncounted=(*settings.ENVIRONMENT.trusted_networks, *LOOPBACK),
        keep_alive_seconds=settings.ENVIRONMENT.keep_alive_seconds,
    )
)
inline_operations = {f"{API_PATH}/keys/verify": VerifyOperation(verification_service())}
# What the server makes for each connection.
http_protocol = partial(
    HttpProtocol, context=ProtocolContext(http_settings, connections, inline_operations, access_log)
)
# How long another thread (the admin, hashing) may keep the event loop from the interpreter, in seconds.
sys.setswitchinterval(0.0005)
# Objects that exist now live until the process ends, so the garbage collector does not have to examine them.
gc.collect()
gc.freeze()
# A request makes many objects and leaves few cycles: with Python's own thresholds, the collector took a tenth of the
# time of a verification.
gc.set_threshold(*GARBAGE_THRESHOLDS)

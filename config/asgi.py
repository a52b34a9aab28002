"""The API application, the static application and the admin application, composed for the server."""

import gc
import os
import sys
from typing import TYPE_CHECKING, cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_asgi_application()  # also sets Django up, so it comes before what needs Django's settings

from django.conf import settings  # noqa: E402

from apps.core.http.admin_application import AdminApplication  # noqa: E402
from apps.core.http.api_application import ApiApplication  # noqa: E402
from apps.core.http.http_settings import HttpSettings  # noqa: E402
from apps.core.http.root_application import RootApplication  # noqa: E402
from apps.core.http.static_application import StaticApplication  # noqa: E402
from apps.core.values.api_contract import API_PATH  # noqa: E402
from apps.verification.routers.verify_fast_path import verify_fast_path  # noqa: E402
from config.api import openapi_bytes  # noqa: E402
from config.serving.worker import background_jobs, end_with_parent  # noqa: E402

if TYPE_CHECKING:
    from apps.core.http.asgi import Application

end_with_parent()
openapi_bytes()  # slow, so at start, not on the event loop at the first request for it
http_settings = HttpSettings(
    trusted_proxies=settings.ENVIRONMENT.trusted_networks,
    allowed_hosts=tuple(settings.ALLOWED_HOSTS),
    allowed_origins=frozenset(settings.ENVIRONMENT.cors_allowed_origins),
    https_only=settings.ENVIRONMENT.serves_https_only,
    access_log=settings.ENVIRONMENT.access_log,
    admin_requests_maximum=settings.STAFF_REQUESTS_MAXIMUM,
)
fast_paths = {f"{API_PATH}/keys/verify": verify_fast_path}
api_application = ApiApplication(http_settings, fast_paths)
admin_application = AdminApplication(cast("Application", django), http_settings)
static_application = StaticApplication(settings.STATIC_ROOT, http_settings)
application = RootApplication(
    api_application, admin_application, http_settings, background_jobs(), static_application=static_application
)
# How long another thread (the admin, hashing) may keep the event loop from the interpreter, in seconds.
sys.setswitchinterval(0.0005)
# Objects that exist now live until the process ends, so the garbage collector does not have to examine them.
gc.collect()
gc.freeze()

"""The argument by which commands name an API key: its id, or one of its secrets."""

import re
from argparse import ArgumentParser
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.services.key_format import KEY_START
from apps.core.errors import NotFound
from apps.core.event_loop import call_service


def add_key_argument(parser: ArgumentParser) -> None:
    """Add the argument."""
    parser.add_argument("key", metavar="ID_OR_KEY", help="the key's id, or the key itself")


def key_id_of(options: dict[str, Any]) -> int:
    """Return the id of the key that was named; raises NotFound."""
    named: str = options["key"]
    if named.startswith(KEY_START):
        return call_service(api_key_service().id_of_secret, named)
    if not re.fullmatch(r"[1-9][0-9]*", named):
        raise NotFound("ID_OR_KEY must be the id of an API key, or an API key.")
    return int(named)

"""The argument by which commands name an API key: its id, its visible prefix, or `-` for the key on standard input."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.api_keys.dependencies import key_secrets
from apps.api_keys.services.key_format import KEY_START, is_visible_prefix
from apps.core.errors import NotFound
from apps.core.event_loop import call_service
from apps.core.management.service_command import STANDARD_INPUT, read_secret

WAYS = "its id, its prefix such as sk_live_AbCd, or - to read the key itself from standard input"
SECRET_IN_ARGUMENTS = (
    "An API key is a secret, and other users of this machine can read the arguments of a command. "
    f"Name the key by {WAYS}."
)


def add_key_argument(parser: ArgumentParser) -> None:
    """Add the argument."""
    parser.add_argument("key", metavar="ID_OR_PREFIX", help=f"the key: {WAYS}")


def key_id_of(options: dict[str, Any]) -> int:
    """Return the id of the key that was named; raises NotFound, Conflict, CommandError for a key itself."""
    named: str = options["key"]
    if named == STANDARD_INPUT:
        return call_service(key_secrets().key_id_of, read_secret("API key"))
    if re.fullmatch(r"[1-9][0-9]*", named):
        return int(named)
    prefix = named.removesuffix("…")  # as lists show it
    if is_visible_prefix(prefix):
        return call_service(key_secrets().key_id_of_prefix, prefix)
    if named.startswith(KEY_START):
        raise CommandError(SECRET_IN_ARGUMENTS)
    raise NotFound(f"Name the API key by {WAYS}.")

"""`manage.py verify_api_key`."""

import sys
from argparse import ArgumentParser
from typing import Any

from pydantic import SecretStr

from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.verification.dependencies import verification_service
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse

REFUSED_EXIT_CODE = 3


class Command(ServiceCommand):
    """Says whether a key would be allowed a call; leaves no usage behind."""

    help = "Ask whether an API key may make a call. Exits 0 when it may, 3 when it may not; nothing is counted."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take the key and the call."""
        parser.add_argument("key", help="the key, or - to read it from standard input, out of the shell's history")
        parser.add_argument("--scope", action="append", default=[], dest="scopes", help="may be given several times")
        parser.add_argument("--ip", help="the address the call comes from")

    def run(self, options: dict[str, Any]) -> None:
        """Ask, and print the verdict."""
        key = sys.stdin.readline().strip() if options["key"] == "-" else options["key"]
        request = VerifyRequest(key=SecretStr(key), scopes=options["scopes"], ip=options["ip"])
        verdict, request_id = call_service(verification_service().verify, request, is_metered=False)
        self.show(VerifyResponse.of(verdict, request_id), options)
        if not verdict.is_valid:
            sys.exit(REFUSED_EXIT_CODE)

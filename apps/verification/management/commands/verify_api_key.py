"""`manage.py verify_api_key`."""

import sys
from argparse import ArgumentParser
from typing import Any

from pydantic import SecretStr

from apps.core.errors import ValidationFailed
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from apps.core.values.ip_addresses import parse_address
from apps.verification.dependencies import verification_service
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse

REFUSED_EXIT_CODE = 3


class Command(ServiceCommand):
    """Verifies an API key without recording usage."""

    help = "Verify whether an API key may make a call; nothing is counted. Exits with 0 when it may, with 3 if not."
    examples = ("manage.py verify_api_key - --scope reports:read", "manage.py verify_api_key - --ip 192.0.2.7 --json")

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the key and the call."""
        parser.add_argument(
            "key", help="the key, or - to read it from standard input, which keeps it out of the shell's history"
        )
        parser.add_argument(
            "--scope", action="append", default=[], dest="scopes", help="a scope that the call needs; repeatable"
        )
        parser.add_argument("--ip", help="the IP address of the client")

    def run(self, options: dict[str, Any]) -> None:
        """Verify the key, and print the verdict."""
        if options["ip"] is not None and parse_address(options["ip"]) is None:
            raise ValidationFailed.of("ip", "must be an IP address")
        key = sys.stdin.readline().strip() if options["key"] == "-" else options["key"]
        request = VerifyRequest(key=SecretStr(key), scopes=options["scopes"], ip=options["ip"])
        verdict, request_id = call_service(verification_service().verify, request, is_metered=False)
        self.show(VerifyResponse.of(verdict, request_id), options)
        if not verdict.is_valid:
            sys.exit(REFUSED_EXIT_CODE)

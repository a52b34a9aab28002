"""`manage.py verify_api_key`."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from pydantic import SecretStr

from apps.core.authorization.principal import OPERATOR
from apps.core.errors import ValidationFailed
from apps.core.event_loop import call_service
from apps.core.management.service_command import STANDARD_INPUT, ServiceCommand, read_secret
from apps.core.values.ip_addresses import parse_address
from apps.verification.dependencies import verification_service
from apps.verification.domain import Purpose
from apps.verification.schemas.verification import VerifyRequest

REFUSED_EXIT_CODE = 3


class Command(ServiceCommand):
    """Verifies an API key without recording usage."""

    help = "Verify whether an API key may make a call; nothing is counted. Exits with 0 when it may, with 3 if not."
    examples = ("manage.py verify_api_key - --scope reports:read", "manage.py verify_api_key - --ip 192.0.2.7 --json")

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the key and the call."""
        parser.add_argument("key", metavar="-", type=_standard_input, help="read the key from standard input")
        parser.add_argument(
            "--scope", action="append", default=[], dest="scopes", help="a scope that the call needs; repeatable"
        )
        parser.add_argument("--ip", help="the IP address of the client")

    def run(self, options: dict[str, Any]) -> None:
        """Verify the key, and print the verdict."""
        if options["ip"] is not None and parse_address(options["ip"]) is None:
            raise ValidationFailed.of("ip", "must be an IP address")
        key = SecretStr(read_secret("API key"))
        request = VerifyRequest(key=key, scopes=options["scopes"], ip=options["ip"])
        verified = call_service(verification_service().verify, OPERATOR, request, Purpose.INSPECTION)
        self.show(verified, options)
        if not verified.valid:
            sys.exit(REFUSED_EXIT_CODE)


def _standard_input(argument: str) -> str:
    if argument != STANDARD_INPUT:
        raise ArgumentTypeError(
            "must be -, which reads the key from standard input: other users of this machine can read the arguments of "
            "a command, and the shell stores them"
        )
    return argument

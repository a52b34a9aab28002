"""The base class of commands that call a service: data on stdout, messages on stderr, exit codes for scripts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from pydantic import BaseModel, ValidationError

from apps.core.errors import DomainError


class ServiceCommand(BaseCommand):
    """Calls a service as the operator.

    Exit codes: 0 success, 1 error (with the reason on stderr), 2 invalid arguments. A command may add others.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--json` and the command's own arguments."""
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command, and print an error as one line on stderr."""
        try:
            self.run(options)
        except DomainError as error:
            raise CommandError(_one_line(error)) from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise CommandError(f"{field}: {first['msg'].removeprefix('Value error, ')}") from error

    def run(self, options: dict[str, Any]) -> None:
        """Do the command's work. May raise DomainError or pydantic's ValidationError."""
        raise NotImplementedError

    def show(self, result: BaseModel, options: dict[str, Any]) -> None:
        """Print the result as JSON, or as one line per field."""
        if options["json"]:
            self.stdout.write(result.model_dump_json())
            return
        for name, value in result.model_dump().items():
            self.stdout.write(f"{name}: {value}")


def _one_line(error: DomainError) -> str:
    details = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
    return f"{error.public_message} {details}".strip()

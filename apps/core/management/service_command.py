"""The base of commands that call a service: data on stdout, talk on stderr, exit codes fit for scripts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from pydantic import BaseModel, ValidationError

from apps.core.errors import DomainError


class ServiceCommand(BaseCommand):
    """Calls a service as the operator.

    Exit codes: 0 done, 1 refused (the reason is on stderr), 2 wrong usage; a command may add its own.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take `--json`, and what the command adds."""
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take the command's own arguments."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command; a refusal becomes one line on stderr."""
        try:
            self.run(options)
        except DomainError as error:
            raise CommandError(_one_line(error)) from error
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in problem["loc"])
            raise CommandError(f"{field}: {problem['msg'].removeprefix('Value error, ')}") from error

    def run(self, options: dict[str, Any]) -> None:
        """Do the command's work; may raise DomainError or pydantic's ValidationError."""
        raise NotImplementedError

    def show(self, result: BaseModel, options: dict[str, Any]) -> None:
        """Print a result: as JSON, or a line for each field."""
        if options["json"]:
            self.stdout.write(result.model_dump_json())
            return
        for name, value in result.model_dump().items():
            self.stdout.write(f"{name}: {value}")


def _one_line(error: DomainError) -> str:
    details = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
    return f"{error.public_message} {details}".strip()

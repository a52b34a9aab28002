"""Base classes of commands: concise help, data on stdout, messages on stderr, and exit codes for scripts."""

import textwrap
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, override

from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg.errors import InsufficientPrivilege, UndefinedColumn, UndefinedTable
from pydantic import BaseModel, ValidationError

from apps.core.database.connection_check import DatabaseUnusable, problem_of_connection
from apps.core.database.database_errors import DATABASE_UNAVAILABLE
from apps.core.errors import DomainError
from apps.core.event_loop import call_service
from apps.core.schemas.page import PAGE_SIZE_MAXIMUM, Page, PageQuery

# Options that Django adds to each command. They work and are left out of the help.
OPTIONS_OF_DJANGO = frozenset(
    {
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
        "--skip-checks",
    }
)
HELP_WIDTH = 100


class DocumentedCommand(BaseCommand):
    """A command whose `--help` ends with examples, each a line as it is typed."""

    examples: ClassVar[Sequence[str]] = ()

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; what only the operator can mend becomes one line on stderr."""
        _require_utf8(options)
        try:
            return super().execute(*args, **options)
        except EOFError as error:
            raise CommandError("The input ended before the question was answered.") from error
        except Exception as error:
            line = database_line(error)
            if line is None:
                raise
            raise CommandError(line) from error

    @override
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, whose help shows the command's own options and examples."""
        lines = "\n".join(f"  {example}" for example in self.examples)
        epilog = f"examples:\n{lines}" if lines else None
        kwargs = {"formatter_class": RawDescriptionHelpFormatter, "epilog": epilog, **kwargs}
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.description = textwrap.fill(parser.description or "", HELP_WIDTH)
        for action in parser._actions:
            if OPTIONS_OF_DJANGO.intersection(action.option_strings):
                action.help = SUPPRESS
        return parser


def database_line(error: Exception) -> str | None:
    """Return what an error of the database means to the operator, in one line, or None for all other errors."""
    cause = error.__cause__ or error  # Django's own errors are raised from psycopg's
    if isinstance(error, DatabaseUnusable):
        return f"The database cannot be used: {error}."
    if isinstance(cause, UndefinedTable | UndefinedColumn):
        return "The database is not migrated. Run `manage.py migrate` first."
    if isinstance(cause, InsufficientPrivilege):
        return (
            f"The database refuses: {cause.diag.message_primary}. Let the role of DATABASE_URL own Keyhouse's tables."
        )
    if isinstance(error, DATABASE_UNAVAILABLE):
        problem = problem_of_connection()
        if problem is not None:
            return f"The database cannot be used: {problem}."
        return "The database is unavailable. Check that it runs, and DATABASE_URL."
    return None


class ServiceCommand(DocumentedCommand):
    """A command that calls a service as the operator.

    Exit codes: 0 success, 1 error (with the reason on stderr), 2 invalid arguments. A command may add others.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--json`, and the command's own arguments."""
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command; a domain error becomes one line on stderr."""
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
        """Print a result: as JSON, or one line for each field."""
        if options["json"]:
            self.stdout.write(result.model_dump_json())
            return
        for name, value in result.model_dump().items():
            self.stdout.write(f"{name}: {value}")


def _require_utf8(options: dict[str, Any]) -> None:
    # Python replaces the bytes of arguments that are not valid UTF-8 by surrogates, which nothing can store.
    for name, value in options.items():
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and any("\ud800" <= character <= "\udfff" for character in text):
                raise CommandError(f"{name} is not valid UTF-8.")


def _one_line(error: DomainError) -> str:
    details = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
    return f"{error.public_message} {details}".strip()


class ListCommand(ServiceCommand):
    """Prints one line for each item, its `columns` separated by tabs, or with `--json` one JSON object."""

    def run(self, options: dict[str, Any]) -> None:
        """Print the items."""
        for item in call_service(self.items, options):
            self.stdout.write(item.model_dump_json() if options["json"] else "\t".join(self.columns(item)))

    async def items(self, options: dict[str, Any]) -> Sequence[BaseModel]:
        """Return the items, in order."""
        raise NotImplementedError

    def columns(self, item: Any) -> Sequence[str]:
        """Return the columns of an item's line."""
        raise NotImplementedError


async def all_pages[Item](page: Callable[[PageQuery], Awaitable[Page[Item]]]) -> list[Item]:
    """Return the items of all pages that `page` returns."""
    items: list[Item] = []
    number = pages = 1
    while number <= pages:
        found = await page(PageQuery(page=number, size=PAGE_SIZE_MAXIMUM))
        items += found.items
        number, pages = number + 1, found.pages
    return items

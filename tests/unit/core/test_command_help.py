"""`--help` of the project's commands: examples that work, and no options that Django adds to every command."""

import shlex

import pytest
from django.core.management import get_commands, load_command_class

from apps.core.management.service_command import OPTIONS_OF_DJANGO, DocumentedCommand
from config.installed_apps import OWN_APPS

pytestmark = pytest.mark.unit

COMMANDS = {name: app for name, app in get_commands().items() if app in {*OWN_APPS, "config"}}


def command_named(name: str) -> DocumentedCommand:
    command = load_command_class(COMMANDS[name], name)
    assert isinstance(command, DocumentedCommand), f"manage.py {name} must extend DocumentedCommand"
    return command


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_has_examples_that_the_command_accepts(name: str):
    command = command_named(name)
    parser = command.create_parser("manage.py", name)
    assert command.examples, f"manage.py {name} must set `examples`"
    for example in command.examples:
        assert example in parser.format_help()
        words = shlex.split(example)
        at = words.index("manage.py")
        assert words[at + 1] == name
        parser.parse_args(words[at + 2 :])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_leaves_out_djangos_options(name: str):
    shown = command_named(name).create_parser("manage.py", name).format_help()
    assert [option for option in sorted(OPTIONS_OF_DJANGO) if option in shown] == []


def test_djangos_options_still_work():
    options = DocumentedCommand().create_parser("manage.py", "any").parse_args(["--verbosity", "2", "--traceback"])
    assert (options.verbosity, options.traceback) == (2, True)

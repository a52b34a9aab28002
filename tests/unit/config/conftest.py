"""An environment without the variables of the test run."""

import os

import pytest

from config.environment import Environment, load_environment

NAMES = {name.upper() for name in Environment.model_fields}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Remove the variables of the test run."""
    for name in [name for name in os.environ if name.upper() in NAMES]:
        monkeypatch.delenv(name)


@pytest.fixture
def load(monkeypatch):
    """Return a function that loads the environment with the given variables."""

    def load_with(**variables: str) -> Environment:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_environment()

    return load_with

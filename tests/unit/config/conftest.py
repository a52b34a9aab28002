"""The environment as a test wants it, and nothing of the tests' own."""

import os

import pytest

from config.environment import Environment, load_environment

NAMES = {name.upper() for name in Environment.model_fields}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Take away what the tests' own environment set."""
    for name in [name for name in os.environ if name.upper() in NAMES]:
        monkeypatch.delenv(name)


@pytest.fixture
def load(monkeypatch):
    """Return a function that loads the environment with these variables."""

    def load_with(**variables: str) -> Environment:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_environment()

    return load_with

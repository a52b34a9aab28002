"""The operator's configuration: environment variables, typed and validated at start. Nothing else reads them."""

from config.environment.environment import Environment, load_environment
from config.environment.server import STATE_DIRECTORY, development_secret_key

__all__ = ["STATE_DIRECTORY", "Environment", "development_secret_key", "load_environment"]

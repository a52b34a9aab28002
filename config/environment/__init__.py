"""What the operator decides, typed and validated at start; everything else reads it here."""

from config.environment.environment import (
    STATE_DIRECTORY,
    Environment,
    development_secret_key,
    load_environment,
)

__all__ = ["STATE_DIRECTORY", "Environment", "development_secret_key", "load_environment"]

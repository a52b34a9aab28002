"""The settings that the embedded PostgreSQL is started with."""

import shlex
from pathlib import Path

NAME = "keyhouse"  # of the role, the database and the cluster
SETTINGS = {
    "listen_addresses": "",
    "cluster_name": NAME,
    "max_connections": "200",
    "shared_buffers": "128MB",
    # A statement on usage events locks each day's partition, and years of days may be kept.
    "max_locks_per_transaction": "256",
    # After each checkpoint, the first change to a page writes all of it to the log again: on a large database, most of
    # what is written. A crash then takes longer to recover from, seconds at worst.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No value of a row, a statement or a parameter in the log: an error is one line. `terse` leaves out DETAIL, which
    # repeats rows.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
VOLATILE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def server_options(socket_directory: Path, *, durable: bool) -> str:
    """Return the options of `postgres`, as `pg_ctl -o` takes them. Without `durable`, a crash may lose data."""
    settings = SETTINGS | {"unix_socket_directories": str(socket_directory)}
    settings |= {} if durable else VOLATILE_SETTINGS
    return shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))

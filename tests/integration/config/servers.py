"""Embedded PostgreSQL servers for tests: starting, querying and killing them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from config.postgres.embedded_postgres import EmbeddedPostgres

PROJECT = Path(__file__).parents[3]
USER = """
import sys
from pathlib import Path
from config.postgres.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


def popen(directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(directory)]
    return subprocess.Popen(command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def embedded(directory: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(directory, durable=False)


def postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


def is_running(directory: Path) -> bool:
    try:
        psycopg.connect(embedded(directory).url).close()
    except psycopg.OperationalError:
        return False
    return True


def ask(directory: Path, sql: str) -> object:
    with psycopg.connect(embedded(directory).url) as connection:
        row = connection.execute(sql).fetchone()
    return row and row[0]


def remember(directory: Path, value: int) -> None:
    with psycopg.connect(embedded(directory).url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (value int)")
        connection.execute("INSERT INTO memory VALUES (%s)", [value])


def kill(process_id: int) -> None:
    os.kill(process_id, signal.SIGKILL)
    while is_alive(process_id):
        time.sleep(0.01)


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True

"""Processor time of processes: what counts in an interval, and that the clock shows it."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.benchmarks.processor_time import Processes, Reading, database_in, processor_seconds

# A thread that ends, a child that ends, and a child that stays; then it waits.
FAMILY = """
import subprocess, sys, threading, time
def work():
    ends = time.thread_time() + 0.2
    while time.thread_time() < ends: pass
thread = threading.Thread(target=work); thread.start(); thread.join()
burn = "import time\\nwhile time.process_time() < 0.3: pass\\n"
subprocess.run([sys.executable, "-c", burn])
child = subprocess.Popen([sys.executable, "-c", burn + "print(flush=True); input()"], stdin=subprocess.PIPE)
input()
child.communicate(b"\\n")
"""


def test_interval_counts_what_began_and_ended_in_it():
    before = Reading(0.0, {1: 10.0, 2: 5.0, 3: 7.0}, ended=100.0)
    # 2 ended after using 1 more; a child came and went with 0.5; 4 began; 3 is not counted.
    after = Reading(1.0, {1: 12.0, 3: 9.0, 4: 0.25}, uncounted=frozenset({3}), ended=106.5)

    assert after.since(before) == pytest.approx(2.0 + 0.25 + 1.0 + 0.5)


def test_nothing_is_subtracted_for_a_child_whose_end_is_not_accounted_yet():
    assert Reading(1.0, {1: 3.0}, ended=0.0).since(Reading(0.0, {1: 1.0, 2: 5.0}, ended=0.0)) == 2.0


@pytest.mark.parametrize(
    ("title", "database"),
    [
        ("postgres: keyhouse: keyhouse keys_10 [local] idle in transaction", "keys_10"),
        ("postgres: keyhouse keys_10 127.0.0.1(40012) SELECT", "keys_10"),
        ("postgres: keyhouse: autovacuum worker keys_10", "keys_10"),
        ("postgres: keyhouse: walwriter ", None),
        ("postgres: keyhouse: autovacuum launcher ", None),
        ("postgres: keyhouse: io worker 0", None),
        ("/opt/bin/postgres -D /var/data -c cluster_name=keyhouse", None),
    ],
)
def test_database_is_read_from_the_title(title: str, database: str | None):
    assert database_in(title) == database


@pytest.fixture
def family() -> Iterator[subprocess.Popen[str]]:
    """A process that has worked, whose child has ended and whose other child waits."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.communicate("\n")


def test_threads_and_children_that_ended_are_counted(family: subprocess.Popen[str]):
    times = psutil.Process(family.pid).cpu_times()
    assert processor_seconds(family.pid) == pytest.approx(times.user + times.system, abs=0.05)
    assert times.user + times.system >= 0.15  # its ended thread's, but for the kernel's rounding

    used = Processes(family.pid).read()

    assert len(used.seconds) == 2
    assert used.since(Reading(0.0, {})) >= 0.2 + 0.3 + 0.3


def test_waiting_takes_no_processor_time(family: subprocess.Popen[str]):
    before = Processes(family.pid).read()
    time.sleep(0.2)

    after = Processes(family.pid).read()

    assert after.moment - before.moment >= 0.2
    assert after.since(before) < 0.1

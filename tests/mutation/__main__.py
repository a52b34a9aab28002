"""`make mutate`: changes the code one spot at a time, and lists the changes that no test notices.

    python -m tests.mutation oauth                           # all of the target's mutants
    python -m tests.mutation oauth --integration-maximum 60  # of those that unit tests leave, 60 on the database

mutmut makes the mutants and runs, for each, the tests that reach the changed function. First the unit tests, which need
no database, then the integration tests for what is left. The working copies remain in `.keyhouse/mutation/`, where
`mutmut show NAME` prints a mutant. What runs while modules are imported, such as the declarations of scopes, runs
before a mutant is chosen: its mutants survive whatever the tests check. A `timeout` is undecided: mutmut also
reports so what it could not run.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.mutation.targets import TARGETS, Target

PROJECT = Path(__file__).resolve().parents[2]
STATE_DIRECTORY = PROJECT / ".keyhouse"
COPIED = ("apps", "config", "docs", "manage.py", "pyproject.toml", "tests")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
NOTICED = frozenset({"killed", "segfault"})
NOT_REACHED = "no tests"
# Not the sentences of errors, which tests need not repeat.
# A fork server, because threads of earlier event loops do not exist in a fork of a process that has run tests.
SETTINGS = """[mutmut]
source_paths=
    apps
only_mutate=
    {mutated}
do_not_mutate_patterns=
    raise [\\w.]+\\(f?"
also_copy=
    config
    docs
    manage.py
pytest_add_cli_args=
    -p
    no:cacheprovider
pytest_add_cli_args_test_selection=
    {tests}
process_isolation=forkserver
timeout_multiplier=3
timeout_constant=5
"""


def main() -> None:
    """Run the target's mutants, and print how many of them were killed and which survived."""
    parser = argparse.ArgumentParser(prog="make mutate")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--children", type=int, default=os.cpu_count(), help="processes for unit tests")
    parser.add_argument("--integration-maximum", type=int, default=sys.maxsize, help="mutants tried on the database")
    options = parser.parse_args()
    target = TARGETS[options.target]
    with EmbeddedPostgres(STATE_DIRECTORY / "mutation-postgres", durable=False) as server:
        found = _run(f"{options.target}-unit", target, target.unit_tests, server.url, options.children)
        left = [name for name, status in found.items() if status not in NOTICED]
        tried = _spread(left, options.integration_maximum)
        if tried and target.integration_tests:
            # One at a time, because all use the same test database.
            again = _run(f"{options.target}-integration", target, target.integration_tests, server.url, 1, tried)
            found |= {mutant: status for mutant, status in again.items() if status != NOT_REACHED}
    _report(options.target, found, untried=len(left) - len(tried))


def _run(
    name: str,
    target: Target,
    tests: tuple[str, ...],
    database_url: str,
    children: int,
    mutants: list[str] | None = None,
) -> dict[str, str]:
    """Return the status of each mutant, or of the given ones, after running the tests."""
    folder = _prepare(name, target, tests)
    environment = {**os.environ, "DATABASE_URL": database_url, "PYTHONDONTWRITEBYTECODE": "1"}
    run = [MUTMUT, "run", "--max-children", str(children), *(mutants or [])]
    done = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    (folder / "mutmut.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        sys.exit(f"mutmut failed: see {folder / 'mutmut.log'}")
    listed = subprocess.run(
        [MUTMUT, "results", "--all", "true"], cwd=folder, capture_output=True, text=True, check=True
    )
    found = statuses(listed.stdout)
    return {mutant: found[mutant] for mutant in mutants} if mutants else found


def _prepare(name: str, target: Target, tests: tuple[str, ...]) -> Path:
    folder = STATE_DIRECTORY / "mutation" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in COPIED:
        (folder / path).symlink_to(PROJECT / path)
    settings = SETTINGS.format(mutated="\n    ".join(target.mutated), tests="\n    ".join(tests))
    (folder / "setup.cfg").write_text(settings)
    return folder


def statuses(listed: str) -> dict[str, str]:
    """Return the status of each mutant in the output of `mutmut results`."""
    lines = [line.strip().rpartition(": ") for line in listed.splitlines()]
    return {name: status for name, colon, status in lines if colon}


def _spread(names: list[str], maximum: int) -> list[str]:
    """Return up to `maximum` of the names, evenly spread."""
    step = max(1, -(-len(names) // max(1, maximum)))
    return names[::step] if maximum else []


def _report(name: str, found: dict[str, str], *, untried: int) -> None:
    counted = Counter(found.values())
    lines = [f"{status}: {mutant}" for mutant, status in found.items() if status not in NOTICED | {NOT_REACHED}]
    lines.append(
        f"{name}: {len(found)} mutants: {dict(counted)}; {untried} of those left were tried by unit tests alone"
    )
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()

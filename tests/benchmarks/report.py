"""Says what was measured, in Markdown."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from tests.benchmarks.exchanges import BARE, CONSTANT, GET_USER, LIST_KEYS, NINJA
from tests.benchmarks.measurement import Cell
from tests.benchmarks.model import model_lines
from tests.benchmarks.targets import Found, Target

BEGIN = "<!-- measured: `make bench` writes from here -->"
END = "<!-- to here -->"
READS = {CONSTANT, GET_USER, LIST_KEYS, NINJA}
HEADINGS = (
    *("operation", "server", "data", "workers", "connections", "requests/s", "p50 ms", "p99 ms"),
    *("server µs", "database µs", "generator µs", "calls a transaction", "log bytes"),
    *("of bare constant", "by round", "by processor time"),
)
ALIGNMENTS = ("---", "---", "---", *["---:"] * (len(HEADINGS) - 3))
TARGET_HEADINGS = ("target", "wanted", "measured", "by round", "by processor time", "met")
TARGET_ALIGNMENTS = ("---", "---", "---:", "---:", "---:", "---")


def report(found: Found, judged: Iterable[Target], facts: Mapping[str, str]) -> str:
    """Return the facts about the run, the tables and the model."""
    cells = found.cells
    lines = [
        *(f"- {name}: {value}" for name, value in facts.items()),
        f"- Load generator: one process, at most {_busiest(cells):.0%} of a core",
        "",
        *table(TARGET_HEADINGS, TARGET_ALIGNMENTS, map(_target_words, judged)),
        "",
        *table(HEADINGS, ALIGNMENTS, (_words(cell, cells) for cell in cells)),
        "",
        *model_lines(found),
    ]
    return "\n".join(lines).rstrip()


def table(headings: Iterable[str], alignments: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table."""
    return [f"| {' | '.join(words)} |" for words in (headings, alignments, *rows)]


def span(values: list[float]) -> str:
    """Return how far the rounds differ."""
    return f"{min(values):.3f} to {max(values):.3f}" if values else ""


def middle(values: list[float]) -> str:
    """Return the median of the rounds, if there are any."""
    return f"{median(values):.3f}" if values else ""


def write(path: Path, text: str) -> None:
    """Put the text between the marks in the file, which keeps what people wrote around them."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def costs(cell: Cell) -> tuple[str, str, str]:
    """Return the processor time of a request, in µs: of the server, of its databases, of the load generator."""
    if cell.operation.served is None:
        return "", "", ""
    database = f"{cell.microseconds(lambda used: used.database):.1f}" if cell.operation.served.databases() else ""
    server, generator = cell.microseconds(lambda used: used.server), cell.microseconds(lambda used: used.generator)
    return f"{server:.1f}", database, f"{generator:.1f}"


def _target_words(target: Target) -> tuple[str, ...]:
    return (
        target.what,
        target.wanted,
        f"{target.measured:.3g}{target.unit}",
        span(target.rounds),
        middle(target.processor),
        "yes" if target.is_met else "**no**",
    )


def _words(cell: Cell, cells: list[Cell]) -> tuple[str, ...]:
    constant = _constant(cell, cells)
    ratios = cell.throughput_ratios(constant) if constant else []
    writes = cell.operation.served is not None and cell.operation.name not in READS
    return (
        cell.operation.name,
        cell.operation.server,
        cell.operation.size,
        str(cell.operation.workers or ""),
        str(cell.connections),
        _rate(cell.requests_per_second),
        f"{cell.milliseconds(50):.2f}",
        f"{cell.milliseconds(99):.2f}",
        *costs(cell),
        f"{cell.calls_a_transaction:.1f}" if writes else "",
        f"{cell.wal_bytes:,.0f}" if writes else "",
        middle(ratios),
        span(ratios),
        middle(cell.processor_ratios(constant)) if constant else "",
    )


def _rate(requests_per_second: float) -> str:
    return f"{requests_per_second:,.0f}" if requests_per_second >= 10 else f"{requests_per_second:.2g}"


def _constant(cell: Cell, cells: list[Cell]) -> Cell | None:
    # Of the same rounds: what was measured only once has no ratio.
    return next(
        (
            other
            for other in cells
            if (other.operation.name, other.operation.server) == (CONSTANT, BARE)
            and other.connections == cell.connections
            and len(other.samples) == len(cell.samples)
        ),
        None,
    )


def _busiest(cells: list[Cell]) -> float:
    used = [sample.used for cell in cells for sample in cell.samples]
    return max((its.generator / its.seconds for its in used if its.seconds), default=0.0)

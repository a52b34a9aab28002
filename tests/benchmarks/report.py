"""Says what was measured, in Markdown."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from tests.benchmarks.exchanges import CONSTANT
from tests.benchmarks.measurement import Cell
from tests.benchmarks.targets import Target

BEGIN = "<!-- measured: `make bench` writes from here -->"
END = "<!-- to here -->"
HEADINGS = (
    "operation",
    "server",
    "data",
    "connections",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "of bare constant",
    "of it, by round",
)
ALIGNMENTS = ("---", "---", "---", *["---:"] * 6)
TARGET_HEADINGS = ("target", "wanted", "measured", "by round", "met")
TARGET_ALIGNMENTS = ("---", "---", "---:", "---:", "---")


def report(cells: list[Cell], targets: Iterable[Target], facts: Mapping[str, str]) -> str:
    """Return the facts about the run and the tables."""
    busiest = max(sample.busy for cell in cells for sample in cell.samples)
    lines = [
        *(f"- {name}: {value}" for name, value in facts.items()),
        f"- Load generator: one process, at most {busiest:.0%} of a core",
        "",
        *map(_row, (TARGET_HEADINGS, TARGET_ALIGNMENTS, *map(_target_words, targets))),
        "",
        *map(_row, (HEADINGS, ALIGNMENTS, *(_words(cell, cells) for cell in cells))),
    ]
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Put the text between the marks in the file, which keeps what people wrote around them."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _target_words(target: Target) -> tuple[str, ...]:
    return (
        target.what,
        target.wanted,
        f"{target.measured:.3g}{target.unit}",
        _range(target.rounds),
        "yes" if target.is_met else "**no**",
    )


def _words(cell: Cell, cells: list[Cell]) -> tuple[str, ...]:
    ratios = _ratios(cell, cells)
    return (
        cell.operation.name,
        cell.operation.server,
        cell.operation.size,
        str(cell.connections),
        _rate(cell.requests_per_second),
        f"{cell.milliseconds(50):.2f}",
        f"{cell.milliseconds(99):.2f}",
        f"{median(ratios):.3f}" if ratios else "",
        _range(ratios),
    )


def _rate(requests_per_second: float) -> str:
    return f"{requests_per_second:,.0f}" if requests_per_second >= 10 else f"{requests_per_second:.2g}"


def _ratios(cell: Cell, cells: list[Cell]) -> list[float]:
    named = (other for other in cells if other.operation.name == CONSTANT and other.connections == cell.connections)
    constant = next(named, None)
    return cell.throughput_ratios(constant) if constant else []


def _range(values: list[float]) -> str:
    return f"{min(values):.3f} to {max(values):.3f}" if values else ""


def _row(words: tuple[str, ...]) -> str:
    return f"| {' | '.join(words)} |"

"""Says what was measured, in Markdown."""

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.measurement import Cell

BEGIN = "<!-- measured: `make bench` writes from here -->"
END = "<!-- to here -->"
HEADINGS = (
    "operation",
    "keys",
    "connections",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "of bare constant",
    "of it, by round",
)
ALIGNMENTS = ("---", *["---:"] * 7)


def report(cells: list[Cell], facts: Mapping[str, str]) -> str:
    """Return the facts about the run and the table."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    busiest = max(sample.busy for cell in cells for sample in cell.samples)
    lines.append(f"- Load generator: one process, at most {busiest:.0%} of a core")
    return "\n".join([*lines, "", *(_row(words) for words in (HEADINGS, ALIGNMENTS, *map(_words, cells)))])


def write(path: Path, text: str) -> None:
    """Put the text between the marks in the file, which keeps what people wrote around them."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _words(cell: Cell) -> tuple[str, ...]:
    return (
        cell.operation.name,
        cell.operation.size,
        str(cell.connections),
        f"{cell.requests_per_second:,.0f}",
        f"{cell.milliseconds(50):.2f}",
        f"{cell.milliseconds(99):.2f}",
        f"{cell.ratio:.3f}",
        f"{min(cell.ratios):.3f} to {max(cell.ratios):.3f}",
    )


def _row(words: tuple[str, ...]) -> str:
    return f"| {' | '.join(words)} |"

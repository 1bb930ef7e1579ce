"""Rows as text: aligned columns that fit a width, in a given number of digits."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Row = dict[str, Any]

#: Rows of a table that are shown unless all are asked for.
MOST_ROWS = 40


class Measured(NamedTuple):
    """A value whose error says how many of its digits are worth showing."""

    value: float | None
    error: float | None


@dataclass(frozen=True)
class Table:
    """Rows, with a sentence above them and others below.

    ``keys`` are the columns that say what a row is about: they stand again beside every block of columns where a table
    is too wide for one. ``over`` is what stands above the names of columns.
    """

    rows: Sequence[Row]
    heading: str = ""
    keys: tuple[str, ...] = ()
    over: Mapping[str, str] = field(default_factory=dict)
    below: Sequence[str] = ()

    def lines(self, *, width: int = 80, digits: int = 4, all_rows: bool = False) -> Iterator[str]:
        """Yield the lines of the table, none longer than ``width`` if that can be."""
        rows = self.rows
        left_out = 0 if all_rows or len(rows) <= MOST_ROWS else len(rows) - MOST_ROWS
        head, tail = (MOST_ROWS // 2, len(rows) - MOST_ROWS // 2) if left_out else (len(rows), len(rows))
        shown = [*rows[:head], *rows[tail:]]
        columns = {
            name: _Column(name, [row[name] for row in shown], digits, self.over.get(name, "")) for name in rows[0]
        }
        for i, (block, gap) in enumerate(_blocks(columns, self.keys, width)):
            if i:
                yield ""
            lines = list(_aligned(block, gap))
            start = len(lines) - len(shown)
            yield from lines[: start + head]
            if left_out:
                yield f"... {left_out} rows left out: --all shows them ..."
            yield from lines[start + head :]
        if self.below:
            yield ""
            for sentence in self.below:
                yield from textwrap.wrap(sentence, width, subsequent_indent="  ")


class _Column:
    """The cells of one column and its header, which may be broken behind "_", with a word above it."""

    def __init__(self, name: str, values: list[Any], digits: int, over: str = "") -> None:
        # Short if every number in it is, all digits all the way if not.
        short = all(_is_short(value, digits) for value in values)
        self.name, self.over = name, over
        self.cells = [text(value, digits, short=short) for value in values]
        self.body = max(map(len, self.cells), default=0)

    def width(self, *, broken: bool) -> int:
        return max(self.body, len(self.over), *map(len, self.header(broken=broken)))

    def header(self, *, broken: bool) -> list[str]:
        return _broken(self.name, max(self.body, 6)) if broken else [self.name]


def _broken(name: str, width: int) -> list[str]:
    """Break a name behind "_" into lines, as few as fit the width where that can be."""
    parts = name.replace("_", "_\n").split("\n")
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return lines


def _blocks(columns: dict[str, _Column], keys: tuple[str, ...], width: int) -> Iterator[tuple[list[_Column], "_Gap"]]:
    """Yield columns that fit side by side: all of them, by tighter and tighter means, or block after block."""
    everything = list(columns.values())
    for gap in _GAPS:
        if gap.total(everything) <= width:
            yield everything, gap
            return
    # Keys that leave no room for another column stand in the first block only.
    left = [columns[name] for name in keys if name in columns]
    while left and any(_GAPS[-1].total([*left, column]) > width for column in everything if column not in left):
        left.pop()
    others = [column for column in everything if column not in left]
    greedy = _cut(others, left, width)
    # As many blocks as it takes, of about the same number of columns each.
    each = -(-len(others) // len(greedy))
    even = [others[i : i + each] for i in range(0, len(others), each)]
    fits = all(_GAPS[-1].total([*left, *block]) <= width for block in even)
    for block in even if fits else greedy:
        yield [*left, *block], _best([*left, *block], width)


def _cut(columns: list[_Column], left: list[_Column], width: int) -> list[list[_Column]]:
    """Cut columns into blocks that fit the width beside those at the left."""
    blocks: list[list[_Column]] = [[]]
    for column in columns:
        if blocks[-1] and _GAPS[-1].total([*left, *blocks[-1], column]) > width:
            blocks.append([])
        blocks[-1].append(column)
    return blocks


def _best(columns: list[_Column], width: int) -> "_Gap":
    return next((gap for gap in _GAPS[1:] if gap.total(columns) <= width), _GAPS[-1])


class _Gap(NamedTuple):
    spaces: int
    broken: bool

    def total(self, columns: list[_Column]) -> int:
        return sum(column.width(broken=self.broken) for column in columns) + self.spaces * (len(columns) - 1)


_GAPS = (_Gap(2, False), _Gap(2, True), _Gap(1, True))


def _aligned(columns: list[_Column], gap: _Gap) -> Iterator[str]:
    headers = [column.header(broken=gap.broken) for column in columns]
    height = max(map(len, headers))
    padded = [[""] * (height - len(header)) + header for header in headers]
    if any(column.over for column in columns):
        padded = [[column.over, *header] for column, header in zip(columns, padded, strict=True)]
    widths = [column.width(broken=gap.broken) for column in columns]
    for line in zip(*([*header, *column.cells] for header, column in zip(padded, columns, strict=True)), strict=True):
        yield (" " * gap.spaces).join(cell.rjust(size) for cell, size in zip(line, widths, strict=True)).rstrip()


def text(value: Any, digits: int = 4, *, short: bool = True) -> str:
    """Return a value in so many significant digits, fewer where they are exact; "-" where there is no number."""
    if value is None:
        return "-"
    if isinstance(value, Measured):
        return rounded(value.value, value.error, digits)
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "-"
    if short and _is_short(value, digits):
        return f"{value:.{digits}g}"
    return _padded(value, digits)


def rounded(value: float | None, error: float | None, digits: int = 4) -> str:
    """Return a number in the digits that its error leaves, ``digits`` at most; a bound where it leaves none."""
    if value is None or error is None or not (math.isfinite(value) and math.isfinite(error)):
        return text(value, digits)
    if value == 0 or error <= 0.5 * 10.0**-digits * abs(value):
        return _padded(value, digits)
    if error >= abs(value):
        return f"<{error:.0e}"
    # The error must not exceed half a unit of the last digit, unless only one is left.
    left = math.floor(math.log10(abs(value))) + 1 + math.floor(-math.log10(2 * error))
    return _padded(value, min(max(left, 1), digits))


def with_error(value: float, error: float) -> str:
    """Return a measured number down to the second digit of its standard error.

    Examples
    --------
    >>> with_error(-27.3456, 1.8), with_error(0.00712, 0.0028), with_error(123456.7, 420)
    ('-27.3', '0.0071', '123460')
    """
    if not (math.isfinite(value) and math.isfinite(error)):
        return text(value)
    last = math.floor(math.log10(error)) - 1 if error > 0 else -math.inf
    if -8 <= last <= 4 and abs(value) < 1e8:
        return f"{round(value, -int(last)):.{max(0, -int(last))}f}"
    left = math.floor(math.log10(abs(value))) - last + 1 if value and error > 0 else 6
    return _padded(value, min(max(int(left), 1), 6))


def _is_short(value: Any, digits: int) -> bool:
    return not isinstance(value, float) or not math.isfinite(value) or float(f"{value:.{digits}g}") == value


def _padded(value: float, digits: int) -> str:
    return f"{value:#.{digits}g}".removesuffix(".")

"""What the options hold: the types that read them."""

import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _Words = click.ParamType[tuple[str, ...]]
else:  # not generic before click 8.4
    _Words = click.ParamType

#: More values than this in one option are a mistake, or work for the Python functions.
MOST = 100_000


class Words(_Words):
    """A comma-separated list of names."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the names."""
        if isinstance(value, tuple):
            return value
        texts = tuple(text.strip() for text in value.split(","))
        if not all(texts):
            self.fail("the list has an empty entry", param, ctx)
        return texts


class Numbers(Words):
    """A comma-separated list of positive decimals, kept as text so that high precision reads them exactly."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the decimals as they were written."""
        texts = super().convert(value, param, ctx)
        if len(texts) > MOST:
            self.fail(f"{len(texts)} values are more than {MOST}: use the Python functions", param, ctx)
        for text in texts:
            self._number(text, param, ctx)
        return texts

    def _number(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            # Only what a decimal looks like in every program: no 1_000, no superscripts.
            if not text.isascii() or "_" in text:
                raise ValueError
            number = float(text)
        except ValueError:
            hint = ": separate numbers by commas, without spaces" if len(text.split()) > 1 else ""
            self.fail(f"{_short(text)} is not a number{hint}", param, ctx)
        if not (number > 0 and math.isfinite(number)):
            self.fail(f"{text} is not positive and finite", param, ctx)
        return number


class Grid(Numbers):
    """One value, a list ``a,b,c`` or a log-spaced grid ``LO:HI:COUNT``."""

    name = "values"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the decimals as they were written; inside a grid, as short as they can be."""
        if isinstance(value, tuple) or ":" not in value:
            return super().convert(value, param, ctx)
        parts = [part.strip() for part in value.split(":")]
        if len(parts) != 3:
            self.fail(f"{_short(value)} is not a grid LO:HI:COUNT", param, ctx)
        low, high = (self._number(text, param, ctx) for text in parts[:2])
        count = _count(parts[2])
        if not 2 <= count <= MOST:
            self.fail(f"COUNT must be an integer from 2 to {MOST}, got {_short(parts[2])}", param, ctx)
        ratio, steps = math.log(high) - math.log(low), count - 1
        inner = (repr(math.exp(math.log(low) + ratio * i / steps)) for i in range(1, steps))
        return (parts[0], *inner, parts[1])


def _count(text: str) -> int:
    """Return a count; 0 for what is none, a superscript or thousands of digits too."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:30]}...")

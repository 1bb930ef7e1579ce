"""One answer, in every form in which it is shown."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from phasediag.report.records import Record, without_nan
from phasediag.report.tables import Measured, Row, Table, text

#: A line of text, or a column and what it means.
Line = str | tuple[str, str]


@dataclass(frozen=True)
class Report:
    """Records, the tables that show them, and what limits the numbers.

    Attributes
    ----------
    documents : list of dict
        What JSON holds; every one with its own ``notes``.
    rows : list of dict
        The same, flat: one line of CSV each, one row of a data frame.
    title : sequence of str
        What was asked.
    tables : sequence of Table
        What is shown.
    legend : sequence of str or (str, str)
        Sentences, and columns with their meanings.
    many : bool
        Whether JSON is a list of documents.
    rows_key : str
        The key of the documents under which the rows are.
    """

    documents: Sequence[Record]
    rows: Sequence[Row]
    title: Sequence[str]
    tables: Sequence[Table]
    legend: Sequence[Line] = ()
    many: bool = False
    rows_key: str = "rows"

    def noting(self, notes: Sequence[str]) -> Self:
        """Return the report with more notes, before the others."""
        return replace(self, documents=[{**one, "notes": [*notes, *one["notes"]]} for one in self.documents])

    def finite(self) -> Self:
        """Return the report without nan and inf: None in their place, and a note that says where."""
        cleaned = [without_nan(document) for document in self.documents]
        documents = [
            {**document, "notes": [*document["notes"], *_missing(names)]} if names else document
            for document, names in cleaned
        ]
        return replace(self, documents=documents, rows=[without_nan(row)[0] for row in self.rows])

    def select(self, fields: Sequence[str]) -> Self:
        """Return the report with those columns only, in that order; a ValueError for one that is not there."""
        known = dict.fromkeys(name for rows in (*(table.rows for table in self.tables), self.rows) for name in rows[0])
        stems = set(map(_stem, known))
        for name in fields:
            if name not in known and name not in stems:
                raise ValueError(f"fields: no column {name!r}, choose among {', '.join(known)}")
        pick = partial(_picked, fields=fields)
        chosen = [replace(table, rows=list(map(pick, table.rows))) for table in self.tables]
        return replace(
            self,
            documents=[
                {**one, self.rows_key: [_picked(row, list(map(_stem, fields))) for row in one[self.rows_key]]}
                for one in self.documents
            ],
            rows=list(map(pick, self.rows)),
            tables=_worth_showing(chosen) or [Table(list(map(pick, self.rows)))],
            legend=[line for line in self.legend if isinstance(line, str) or _stem(line[0]) in map(_stem, fields)],
        )

    @property
    def notes(self) -> list[str]:
        """What limits a number: each note once, with the alphas that it is about where not all have it."""
        alphas: dict[str, list[str]] = {}
        for document in self.documents:
            for note in document["notes"]:
                alphas.setdefault(note, []).append(text(document.get("alpha")))
        return [
            note if len(about) == len(self.documents) else f"at alpha = {_few(about)}: {note}"
            for note, about in alphas.items()
        ]

    def to_dict(self) -> Any:
        """Return plain data: what ``--format json`` prints."""
        return list(self.documents) if self.many else self.documents[0]

    def to_pandas(self) -> Any:
        """Return the rows as a pandas.DataFrame; needs ``pip install 'phasediag[pandas]'``."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'phasediag[pandas]'") from error
        return pandas.DataFrame([{name: _bare(value) for name, value in row.items()} for row in self.rows])

    def lines(self, *, width: int = 80, digits: int = 4, all_rows: bool = False) -> Iterator[str]:
        """Yield the lines of text."""
        for line in self.title:
            yield from textwrap.wrap(line, width, subsequent_indent="  ")
        for table in self.tables:
            yield ""
            if table.heading:
                yield from (*textwrap.wrap(table.heading, width), "")
            yield from table.lines(width=width, digits=digits, all_rows=all_rows)
        if self.legend:
            yield ""
            yield from _legend(self.legend, width)
        if self.notes:
            yield ""
            for note in self.notes:
                yield from textwrap.wrap(f"Note: {note}", width, subsequent_indent="  ", break_on_hyphens=False)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        from html import escape

        parts = ["<p>" + "<br>".join(map(escape, self.title)) + "</p>", *map(_html_table, self.tables)]
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return "".join([*parts, f"<ul>{notes}</ul>" if notes else ""])


def _picked(row: Row, fields: Sequence[str]) -> Row:
    """Return the columns of a row; a name without an index stands for all of its indices."""
    return {name: row[name] for field in fields for name in row if field in (name, _stem(name))}


def _worth_showing(tables: list[Table]) -> list[Table]:
    """Return the tables that have a column beside their keys, or the first that has any column."""
    full = [table for table in tables if set(table.rows[0]) - set(table.keys)]
    return full or [table for table in tables if table.rows[0]][:1]


def _stem(name: str) -> str:
    return name.partition(":")[0]


def _missing(names: set[str]) -> list[str]:
    return [f"{', '.join(sorted(names))}: '-' (null) where there is no finite number"]


def _few(texts: list[str]) -> str:
    return ", ".join(texts) if len(texts) <= 6 else f"{texts[0]} to {texts[-1]} ({len(texts)} of them)"


def _legend(lines: Sequence[Line], width: int) -> Iterator[str]:
    longest = max((len(line[0]) for line in lines if not isinstance(line, str)), default=0)
    for line in lines:
        if isinstance(line, str):
            yield from textwrap.wrap(line, width)
        else:
            yield from textwrap.wrap(f"  {line[0]:{longest}}  {line[1]}", width, subsequent_indent=" " * (longest + 4))


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, Measured) else value


def _html_table(table: Table) -> str:
    from html import escape

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line([text(value) for value in row.values()], "td") for row in table.rows)
    caption = f"<caption>{escape(table.heading)}</caption>" if table.heading else ""
    return f"<table>{caption}<thead>{line(list(table.rows[0]), 'th')}</thead><tbody>{body}</tbody></table>"

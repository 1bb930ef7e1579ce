"""The one place that prints: a report as a table, as JSON or as CSV."""

import sys
from collections.abc import Iterable
from typing import Any

import click

from phasediag.cli.query import Query
from phasediag.report.report import Report


def emit(report: Report, query: Query) -> None:
    """Print a report in the form that was asked for."""
    report = report.noting(query.notes).finite()
    if query.fields is not None:
        report = report.select(query.fields)
    if query.style == "json":
        import json

        click.echo(json.dumps(report.to_dict(), indent=2, allow_nan=False))
    elif query.style == "csv":
        import csv

        writer = csv.DictWriter(sys.stdout, fieldnames=list(report.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(report.rows)
    else:
        for line in report.lines(width=width(), digits=query.digits, all_rows=query.all_rows):
            click.echo(line)


def width() -> int:
    """Return how many columns a line may take: the terminal's where there is a wide one, else 80."""
    if not sys.stdout.isatty():
        return 80
    import shutil

    return max(80, shutil.get_terminal_size().columns)


def progress(items: Iterable[Any], description: str) -> Iterable[Any]:
    """Count items on stderr, with the time that is left, where someone looks."""
    from tqdm import tqdm

    return tqdm(items, desc=description, disable=None, leave=False)

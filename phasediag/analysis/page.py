"""An analysis as one self-contained page of HTML."""

import html
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from phasediag._files import whole_file
from phasediag.analysis.words import Row, sentences, tables

if TYPE_CHECKING:
    from phasediag.analysis.result import DataAnalysis

__all__ = ["write_html"]


def write_html(found: "DataAnalysis", path: str | os.PathLike[str], command: str = "", time: str = "ve") -> None:
    """Write one self-contained page: sentences, figure, tables, notes and the command that made it."""
    parts = [f"<p>{html.escape(line)}</p>" for line in sentences(found, time)]
    parts.append(_figure(found, time))
    for name, rows in tables(found, time).items():
        parts += [f"<h2>{name.replace('_', ' ').capitalize()}</h2>", _table(rows)]
    parts += ["<h2>Notes</h2><ul>", *(f"<li>{html.escape(note)}</li>" for note in found.notes), "</ul>"]
    if command:
        parts.append(f"<h2>Made by</h2><pre>{html.escape(command)}</pre>")
    parts.append(f"<p>phasediag {found.version}, seed {html.escape(str(found.seed))}</p>")
    with whole_file(path) as part:
        part.write_text(_PAGE.format(body="\n".join(parts)), encoding="utf-8")


def _figure(found: "DataAnalysis", time: str) -> str:
    from io import StringIO

    figure, _ = found.plot(time=time)
    drawing = StringIO()
    figure.savefig(drawing, format="svg")
    text = drawing.getvalue()
    return f"<figure>{text[text.index('<svg') :]}</figure>"


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(_cells(row.values()))}</tr>" for row in rows)
    return f"<div class='wide'><table><tr>{head}</tr>{body}</table></div>"


def _cells(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        text = "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        yield f"<td>{html.escape(text)}</td>"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>When does this data set memorise?</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
figure {{ margin: 1rem 0 }} svg {{ max-width: 100%; height: auto }} .wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: 14px }} th, td {{ padding: .2rem .6rem; text-align: right }}
th {{ border-bottom: 1px solid #888 }} pre {{ overflow-x: auto; background: #f4f4f4; padding: .6rem }}
</style></head><body><h1>When does this data set memorise?</h1>
{body}
</body></html>
"""

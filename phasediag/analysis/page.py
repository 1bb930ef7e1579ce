"""An analysis as one self-contained page of HTML."""

import html
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from phasediag._files import whole_file
from phasediag.analysis.notes import limits
from phasediag.analysis.words import MEANINGS, TITLES, Row, sentences, tables
from phasediag.noise import CONVENTIONS

if TYPE_CHECKING:
    from phasediag.analysis.result import DataAnalysis

__all__ = ["write_html"]


def write_html(found: "DataAnalysis", path: str | os.PathLike[str], command: str = "", time: str = "ve") -> None:
    """Write one self-contained page: sentences, figure, tables, notes and the command that made it."""
    parts = [f"<p>{html.escape(line)}</p>" for line in sentences(found, time)]
    parts += [_figure(found, time), f"<p>{html.escape(_CAPTION)}</p>"]
    for name, rows in tables(found, time).items():
        parts += [f"<h2>{TITLES[name]}</h2>", _table(rows), _legend(rows[0])]
    clock = f"Times are {CONVENTIONS[time].sentence}, in the units of the analysis."
    parts += [f"<p>{html.escape(clock)}</p>"]
    if notes := list(limits(found, time)):
        parts += ["<h2>Notes</h2><ul>", *(f"<li>{html.escape(note)}</li>" for note in notes), "</ul>"]
    if command:
        parts.append(f"<h2>Made by</h2><pre>{html.escape(command)}</pre>")
    parts.append(f"<p>phasediag {found.version}, seed {html.escape(str(found.seed))}</p>")
    with whole_file(path) as part:
        part.write_text(_PAGE.format(body="\n".join(parts)), encoding="utf-8")


_CAPTION = (
    "(a) The information that a noisy sample has of its origin lies between the bounds, and is log N within the grey "
    "band. (b) Noise at which sampling errors drown each principal direction, predicted and measured. (c) Dimension of "
    "the data at the scale of the noise, and the number of directions with a variance above it."
)


def _figure(found: "DataAnalysis", time: str) -> str:
    from io import StringIO

    figure, _ = found.plot(time=time)
    drawing = StringIO()
    figure.savefig(drawing, format="svg")
    text = drawing.getvalue()
    return f"<figure>{text[text.index('<svg') :]}</figure>"


def _table(rows: Sequence[Row]) -> str:
    """Return a table with the errors beside their values."""
    errors = {name: error for name in rows[0] if (error := _error_of(name, rows[0]))}
    names = [name for name in rows[0] if name not in errors.values()]
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
    cells = ([_cell(row[name], row.get(errors.get(name, ""))) for name in names] for row in rows)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<div class='wide'><table><tr>{head}</tr>{body}</table></div>"


def _error_of(name: str, row: Row) -> str | None:
    error = f"{name.removesuffix('_measured')}_error"
    return error if error in row and (name.endswith("_measured") or f"{name}_measured" not in row) else None


def _cell(value: Any, error: Any) -> str:
    if not isinstance(value, float):
        return f"<td>{html.escape('-' if value is None else str(value))}</td>"
    said = "" if error is None else f" &#177; {error:.1g}" if error < 100 else f" &#177; {error:.3g}"
    return f"<td>{value:.4g}{said}</td>"


def _legend(row: Row) -> str:
    known = ((name.replace("_", " "), MEANINGS[name]) for name in row if name in MEANINGS)
    lines = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in known)
    return f"<dl>{lines}</dl>" if lines else ""


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>When does this data set memorise?</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
figure {{ margin: 1rem 0 }} svg {{ width: 100%; height: auto }} .wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: 14px }} th, td {{ padding: .15rem .6rem; text-align: right }}
td {{ white-space: nowrap; font-variant-numeric: tabular-nums }} th {{ border-bottom: 1px solid #888 }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; font-size: 14px }} dd {{ margin: 0 }}
dt {{ color: #555 }} pre {{ overflow-x: auto; background: #f4f4f4; padding: .6rem }}
</style></head><body><h1>When does this data set memorise?</h1>
{body}
</body></html>
"""

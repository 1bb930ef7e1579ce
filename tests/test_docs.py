"""Every code block of the site runs, and prints what the page shows."""

import ast
import doctest
import inspect
import json
import re
import shlex
from importlib import import_module
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from phasediag.cli import main
from phasediag.cli.group import phasediag
from phasediag.figures import FIGURES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(DOCS)): path.read_text() for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts
}
BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*(?P<cell>.*?)^```$|\{eval\}`(?P<expression>.+?)`", re.DOTALL | re.MULTILINE
)
SESSION = re.compile(r"^\$ phasediag (.*)\n((?:(?!\$ ).*\n)*)", flags=re.MULTILINE)
# What Sphinx reads, and what it only shows.
DIRECTIVES = {"{toctree}", "{eval-rst}", "{image}", "{include}", "{literalinclude}", "{thumbnails}"}
BLOCKS = [(page, kind, text) for page, source in PAGES.items() for kind, text in BLOCK.findall(source)]


# What pages import that not every installation has.
EXTRAS = ("distributed", "mlxtend.data", "sklearn.datasets")


def blocks(kind):
    return [pytest.param(text, id=f"{page}-{i}") for i, (page, found, text) in enumerate(BLOCKS) if found == kind]


def test_every_block_is_of_a_kind_that_is_tested():
    assert {kind for _, kind, _ in BLOCKS} <= {"python", "console", "{code-cell}", "sh", "bibtex"} | DIRECTIVES


@pytest.mark.parametrize("page", sorted({page for page, kind, _ in BLOCKS if kind == "python"}))
def test_doctests(page):
    text = "\n".join(text for found, kind, text in BLOCKS if (found, kind) == (page, "python"))
    test = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert runner.run(test).failed == 0


@pytest.mark.parametrize("text", blocks("console"))
def test_console_sessions(text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command, printed in SESSION.findall(text):
        with pytest.raises(SystemExit) as stop:
            main(shlex.split(command))
        assert stop.value.code == 0
        assert capsys.readouterr().out == printed


@pytest.mark.parametrize("text", blocks("sh"))
def test_shell_blocks_name_what_exists(text):
    """Set-up commands cannot run inside the tests that they start; what they name must be there."""
    makefile, project = (ROOT / "Makefile").read_text(), (ROOT / "pyproject.toml").read_text()
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        match words:
            case ["make", target, *_]:
                assert f"\n{target}:" in makefile
            case ["pip", "install", what]:
                for extra in re.findall(r"\[(.*?)\]", what):
                    assert f"\n{extra} = [" in project
            case ["phasediag", command, *options]:
                assert command in phasediag.list_commands(None)
                assert all(option in known_options(command) for option in options if option.startswith("-"))
            case ["python", script]:
                compile((ROOT / script).read_text(), script, "exec")
            case _:
                pytest.fail(f"cannot check {line!r}")


def known_options(command):
    return {name for option in phasediag.get_command(None, command).params for name in option.opts}


@pytest.mark.parametrize("page", [page for page, source in PAGES.items() if "{code-cell}" in source])
def test_computed_pages(page, monkeypatch):
    for library in EXTRAS:
        if f"from {library} import" in PAGES[page]:
            pytest.importorskip(library)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("phasediag.figures.figure", sketch)
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.chdir((DOCS / page).parent)
    namespace = {"__name__": "__main__"}
    for match in CELL.finditer(PAGES[page]):
        if match["expression"]:
            assert isinstance(eval(match["expression"], namespace), str)
        else:
            run_cell(ast.parse(match["cell"], page), namespace)


def sketch(name, **options):
    """Check what a page asks of a named figure. The site draws it in full; what it shows, the tests of figures hold."""
    inspect.signature(import_module(f"phasediag.figures.{FIGURES[name][0]}").draw).bind(**options)


def run_cell(cell, namespace):
    """Run a cell and show its last expression, as a notebook does."""
    last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, "cell", "exec"), namespace)
    if last is not None:
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
        if hasattr(shown, "_repr_markdown_"):
            assert shown._repr_markdown_()


MAIN = "--var 1,0.3 --dims 2,5 --ambient-dim 30"
DOCUMENTS = [
    f"critical-times {MAIN} --alpha 0.23",
    f"critical-times {MAIN} --alpha 0.1,0.23",
    f"critical-times {MAIN} --alpha 0.23 --dps 20",
    f"critical-times {MAIN} --alpha 0.23 --geometry sphere",
    "analyze data.npy --queries 20 --t 0.1,1",
    f"condensation {MAIN} --alpha 0.23,50",
    f"condensation {MAIN} --t 0.1",
    f"condensation {MAIN} --n 2,40 --probe origin --closure finite",
    f"crosscheck {MAIN} --n 20 --t 0.1 --replicates 10 --seed 0",
    f"dataset-size {MAIN} --t 1e-9,0.1,1e9",
    "diagnose model:score --samples data.npy --t 0.1,1",
    "diagnose model:score --samples data.npy --t 0.1,1 --heldout fresh.npy --generated data.npy",
    f"finite {MAIN} --alpha 0.23 --t 0.1,1 --fluctuations",
    "finite --var 1 --dims 4 --n 2,30 --t 1 --probe train --critical-times",
    f"free-energy {MAIN} --alpha 0.1,0.23 --t 0.1,1",
    f"information {MAIN} --t 0.1,1 --n 1000",
    f"regimes {MAIN} --n 1000",
    f"regimes --law {ROOT}/tests/mixture.toml --n 2,100",
    f"spectrum {MAIN} --t 0.1",
    f"spectrum {MAIN} --t 0.1,1 --n 100 --probe train --draws 20",
    f"spectrum {MAIN} --t 0.1 --n 100 --regime condensed --empirical",
]


@pytest.mark.parametrize("command", DOCUMENTS)
def test_json_follows_its_schema(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", np.random.default_rng(0).standard_normal((60, 3)))
    np.save("fresh.npy", np.random.default_rng(1).standard_normal((60, 3)))
    Path("model.py").write_text("def score(x, t):\n    return -x / (1 + t[:, None])\n")
    schema = json.loads((DOCS / "schemas" / "phasediag.schema.json").read_text())
    with pytest.raises(SystemExit):
        main([*shlex.split(command), "--format", "json"])
    reference = {"$ref": f"#/$defs/{command.split()[0]}", "$defs": schema["$defs"]}
    jsonschema.Draft202012Validator(reference).validate(json.loads(capsys.readouterr().out))


def test_every_command_that_prints_json_has_a_schema():
    tested = {command.split()[0] for command in DOCUMENTS}
    assert tested == {name for name in phasediag.list_commands(None) if _prints_json(name)}


def _prints_json(name):
    options = phasediag.get_command(None, name).params
    return any("json" in getattr(option.type, "choices", ()) for option in options)


def test_every_named_figure_is_drawn_below_its_label():
    """The gallery takes its thumbnails from there."""
    labels = {name for source in PAGES.values() for name in re.findall(r"^\(figure-([\w-]+)\)=$", source, re.MULTILINE)}
    assert labels == set(FIGURES)

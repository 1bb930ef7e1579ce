"""What a release rests on says the same thing everywhere."""

import re
import struct
import tomllib
from json import loads
from pathlib import Path

import pytest

import phasediag

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOWS = {path.name: path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml")}
RECIPE = (ROOT / "packaging" / "conda-forge" / "recipe.yaml").read_text()
LOWEST = PROJECT["requires-python"].removeprefix(">=")


@pytest.mark.parametrize("path", ["CITATION.cff", "docs/citing.md", "packaging/conda-forge/recipe.yaml"])
def test_one_version(path):
    (found,) = set(re.findall(r"^ *version\W+(\d[\w.]*)", (ROOT / path).read_text(), re.MULTILINE))
    assert found == phasediag.__version__


def test_the_recipe_asks_for_what_the_project_asks_for():
    block = RECIPE.partition("  run:\n")[2].partition("\n\n")[0]
    needed = {line.strip(" -").replace("matplotlib-base", "matplotlib") for line in block.splitlines()}
    assert needed - {"python >=${{ python_min }}"} == {line.replace(">=", " >=") for line in PROJECT["dependencies"]}
    assert f'python_min: "{LOWEST}"' in RECIPE
    for name, target in PROJECT["scripts"].items():
        assert f"- {name} = {target}" in RECIPE


def test_workflows_call_what_the_makefile_has():
    wanted = {word for text in WORKFLOWS.values() for word in re.findall(r"run: make (\S+)$", text, re.MULTILINE)}
    assert {"test", "test-lowest", "docs", "package"} <= wanted
    assert all(f"\n{target}: " in MAKEFILE for target in wanted)
    assert f'python: ["{LOWEST}"' in WORKFLOWS["ci.yml"]


def test_the_picture_of_the_readme_is_what_its_command_draws(tmp_path, monkeypatch):
    """Its file carries the parameters; they must be those of the command that the README gives."""
    from phasediag.cli import main

    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"phasediag (diagram .*) -o diagram\.png$", (ROOT / "README.md").read_text(), re.MULTILINE)
    with pytest.raises(SystemExit):
        main([*command.split(), "-o", "diagram.png"])
    drawn, kept = (parameters(path) for path in (tmp_path / "diagram.png", ROOT / "docs/_static/phase-diagram.png"))
    assert drawn == kept


def parameters(path):
    """Return what a PNG says of itself, without the version."""
    data, found, at = path.read_bytes(), {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] in (b"tEXt", b"iTXt"):
            key, _, text = data[at + 8 : at + 8 + size].partition(b"\0")
            found[key] = text
        at += 12 + size
    values = loads(found[b"Description"].lstrip(b"\0"))
    return {key: value for key, value in values.items() if key != "version"}


def test_the_paper_cites_what_it_lists_and_shows_what_its_script_draws():
    paper, script = (ROOT / "paper" / "paper.md").read_text(), (ROOT / "paper" / "figures.py").read_text()
    listed = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "paper" / "paper.bib").read_text(), re.MULTILINE))
    assert set(re.findall(r"@(\w+)", paper)) == listed
    for name in re.findall(r"\]\((\w+\.png)\)", paper):
        assert (ROOT / "paper" / name).is_file()
        assert f'"{name}"' in script

"""The README shows what the commands print."""

import re
import shlex
from pathlib import Path

import pytest

from phasediag.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text()
SESSIONS = re.findall(r"```console\n\$ phasediag (.*?)\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize(("command", "printed"), SESSIONS)
def test_console_sessions(capsys, command, printed):
    with pytest.raises(SystemExit):
        main(shlex.split(command))
    assert capsys.readouterr().out == printed


def test_the_readme_has_sessions():
    assert len(SESSIONS) >= 2

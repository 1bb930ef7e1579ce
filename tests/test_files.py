import errno
import os
import stat

import pytest

from phasediag._files import check_target, whole_file


def write(path, text, failure=None):
    with whole_file(path) as part:
        part.write_text(text)
        if failure is not None:
            raise failure


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").write_text("")
    write(tmp_path / "x.csv", "new")
    assert (tmp_path / "x.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_permissions_are_kept(tmp_path, mode):
    path = tmp_path / "x.csv"
    path.write_text("old")
    path.chmod(mode)
    write(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)


def test_links_are_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "x.csv")
    for text in ("first", "second"):  # the first one through a link that leads nowhere yet
        write(tmp_path / "link.csv", text)
        assert (tmp_path / "link.csv").is_symlink()
        assert (tmp_path / "real" / "x.csv").read_text() == text
    assert os.listdir(tmp_path / "real") == ["x.csv"]


def test_nobody_else_reaches_the_temporary_file(tmp_path):
    names = set()
    for _ in range(2):
        with whole_file(tmp_path / "x.csv") as part:
            part.write_text("")
            assert stat.S_IMODE(part.parent.stat().st_mode) == 0o700
            names.add(part)
    assert len(names) == 2


@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt()])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, failure):
    (tmp_path / "x.csv").write_text("old")
    with pytest.raises(type(failure)):
        write(tmp_path / "x.csv", "half", failure)
    assert os.listdir(tmp_path) == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "old"


def test_errors_name_the_target(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for target, failure in ((tmp_path / "nowhere" / "x.csv", None), (tmp_path / "x.csv", full)):
        with pytest.raises(OSError, match=r"x\.csv") as caught:
            write(target, "", failure)
        assert caught.value.filename == str(target)


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    os.mkdir(tmp_path / "folder.csv")
    for name, told in (("pipe.csv", "a pipe or a device"), ("folder.csv", "is a folder")):
        with pytest.raises(ValueError, match=told):
            write(tmp_path / name, "")
        with pytest.raises(ValueError, match=f"--save: .*{told}"):
            check_target(tmp_path / name, (".csv",), "--save")
    with pytest.raises(ValueError, match="-o: the folder of"):
        check_target(tmp_path / "nowhere" / "x.csv", (".csv",), "-o")

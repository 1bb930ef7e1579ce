"""Samples from files of every kind, and what is no data set: one line, exit code 2, nothing written."""

import json
import os
import pickle
import sys

import numpy as np
import pytest

from phasediag import analyze
from phasediag.analysis import read_curve, read_labels, read_samples
from phasediag.cli.group import run

GOOD = np.random.default_rng(0).standard_normal((60, 3))


def npy(values, **options):
    return lambda path: np.save(path, values, **options)


def npz(**arrays):
    return lambda path: np.savez(path, **arrays)


def raw(content):
    return lambda path: path.write_bytes(content)


def images(*pictures):
    def write(folder):
        image = pytest.importorskip("PIL.Image")
        folder.mkdir()
        for i, pixels in enumerate(pictures):
            image.fromarray(pixels).save(folder / f"{i:02}.png")

    return write


def hdf5(**arrays):
    def write(path):
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values

    return write


def zarr(**arrays):
    def write(path):
        group = pytest.importorskip("zarr").open_group(str(path), mode="w")
        for name, values in arrays.items():
            group.create_array(name, data=values)

    return write


def changed(row, column, value):
    values = GOOD.copy()
    values[row, column] = value
    return values


def saved(values):
    """Return the bytes of a .npy file."""
    from io import BytesIO

    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


BLACK = np.zeros((4, 4), np.uint8)
OBJECTS = np.array([{"a": 1}], dtype=object)
BAD = [
    ("none.npy", None, "does not exist"),
    ("empty.npy", npy(GOOD[:0]), "N of 4 or more, got (0, 3)"),
    ("one.npy", npy(GOOD[:1]), "N of 4 or more, got (1, 3)"),
    ("scalar.npy", npy(1.0), "N of 4 or more, got ()"),
    ("vector.npy", npy(GOOD[:, 0]), "N of 4 or more, got (60,)"),
    ("narrow.npy", npy(GOOD[:, :0]), "N of 4 or more, got (60, 0)"),
    ("constant.npy", npy(np.full((60, 3), 0.1)), "samples must differ"),
    ("nan.npy", npy(changed(7, 1, np.nan)), "samples must be finite, row 7 is not"),
    ("inf.npy", npy(changed(0, 2, np.inf)), "samples must be finite, row 0 is not"),
    ("huge.npy", npy(1e200 * GOOD), "rescale them"),
    ("tiny.npy", npy(1e-200 * GOOD), "rescale them"),
    ("object.npy", npy(OBJECTS, allow_pickle=True), "holds Python objects, which are never loaded"),
    ("text.npy", npy(np.array([["a", "b"]] * 8)), "samples must hold real numbers"),
    ("complex.npy", npy(GOOD + 1j), "samples must hold real numbers"),
    ("dates.npy", npy(np.zeros((8, 2), "M8[D]")), "samples must hold real numbers"),
    ("records.npy", npy(np.zeros(8, [("a", float)])), "samples must hold real numbers"),
    ("pickle.npy", raw(pickle.dumps({"a": 1})), "holds Python objects, which are never loaded"),
    ("nothing.npy", raw(b""), "cannot be read"),
    ("cut.npy", raw(saved(GOOD)[:300]), "cannot be read"),
    ("cut-header.npy", raw(saved(GOOD)[:50]), "cannot be read"),
    ("folder.npy", lambda path: path.mkdir(), "is a directory"),
    ("pipe.npy", lambda path: os.mkfifo(path), "is a pipe or a device"),
    ("object.npz", npz(a=OBJECTS), "holds Python objects, which are never loaded"),
    ("pickle.npz", raw(pickle.dumps(GOOD)), "holds Python objects, which are never loaded"),
    ("zip.npz", raw(b"PK\x03\x04junk"), "cannot be read"),
    ("nothing.npz", npz(), "holds no arrays"),
    ("two.npz", npz(a=GOOD, b=GOOD), "name one of the arrays a, b"),
    ("nothing.csv", raw(b""), "there are no numbers in it"),
    ("header.csv", raw(b"a,b\n"), "there are no numbers in it"),
    ("word.csv", raw(b"1,2\n3,x\n"), "could not convert string 'x'"),
    ("ragged.csv", raw(b"1,2\n3\n"), "the number of columns changed from 2 to 1 at row 2"),
    ("bytes.csv", raw(bytes(range(256))), "cannot be read"),
    ("junk.h5", raw(b"junk"), "cannot be read"),
    ("nothing.h5", hdf5(), "holds no arrays"),
    ("two.h5", hdf5(a=GOOD, b=GOOD), "name one of the arrays a, b"),
    ("text.h5", hdf5(a=np.array([b"x"] * 8)), "samples must hold real numbers"),
    ("junk.zarr", lambda path: pytest.importorskip("zarr") and path.mkdir(), "it is no Zarr store"),
    ("two.zarr", zarr(a=GOOD, b=GOOD), "name one of the arrays a, b"),
    ("empty", lambda path: pytest.importorskip("PIL") and path.mkdir(), "holds no images"),
    ("sizes", images(BLACK, BLACK[1:]), "'01.png' is not of the size of the first image"),
    ("modes", images(BLACK, np.zeros((4, 4, 3), np.uint8)), "'01.png' is not of the size of the first image"),
    ("black", images(*[BLACK] * 5), "samples must differ"),
    ("a.exe", raw(b"x"), "must end in .npy, .csv, .txt, .npz, .zarr, .h5, .hdf5"),
]


@pytest.mark.parametrize(("name", "write", "message"), BAD, ids=[name for name, _, _ in BAD])
def test_what_is_no_data_set_is_one_line(tmp_path, capsys, monkeypatch, name, write, message):
    monkeypatch.chdir(tmp_path)
    if write is not None:
        write(tmp_path / name)
    before = sorted(tmp_path.rglob("*"))
    assert run(["analyze", name, "-o", "report.html"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert "allow_pickle" not in err
    assert sorted(tmp_path.rglob("*")) == before


OPTIONS = [
    ("--labels good.npy", "labels must be one for each of 60 samples, got shape (60, 3)"),
    ("--labels none.txt", "no such file"),
    ("--labels object.npy", "holds Python objects, which are never loaded"),
    ("--labels nan.npy", "labels must be finite, number 0 is not"),
    ("--labels many.txt", "of four samples or more each"),
    ("--mmse none.csv", "none.csv"),
    ("--mmse nan.txt", "mmse: 'nan.txt'"),
    ("--array a", "holds one array, without a name, got 'a'"),
    ("--max-memory much", "max_memory must be a positive number of bytes"),
    ("--max-memory 1KB", "max_memory must be at least 2MB"),
    ("--checkpoint a.npy", "--checkpoint must end in .npz"),
    ("--checkpoint no/a.npz", "does not exist"),
    ("--checkpoint other.npz", "damaged or not a checkpoint"),
    ("--components 31", "components must be from 1 to half of the 60 samples"),
    ("--scale much", "scale must be 'none', 'unit' or a positive number"),
    ("--t 1", "two or more different noise variances"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_what_is_no_option_is_one_line(tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    if "components" in options:
        pytest.importorskip("sklearn")
    np.save("good.npy", GOOD)
    np.save("object.npy", OBJECTS, allow_pickle=True)
    np.savez("other.npz", GOOD)
    np.save("nan.npy", np.full(60, np.nan))
    (tmp_path / "nan.txt").write_text("nan\n" * 60)
    (tmp_path / "many.txt").write_text("\n".join(map(str, range(60))))
    assert run(["analyze", "good.npy", *options.split(), "-o", "report.html"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert "allow_pickle" not in err
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("library", "name", "options"),
    [("zarr", "a.zarr", []), ("h5py", "a.h5", []), ("PIL", "folder", []), ("sklearn", "a.npy", ["--components", "2"])],
)
def test_missing_libraries_are_named(tmp_path, capsys, monkeypatch, library, name, options):
    monkeypatch.chdir(tmp_path)
    for module in [key for key in sys.modules if key.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / name).mkdir() if name == "folder" else np.save(tmp_path / "a.npy", GOOD)
    if name != "folder":
        (tmp_path / "a.npy").rename(tmp_path / name)
    assert run(["analyze", name, "--queries", "20", *options]) == 2
    assert "pip install 'phasediag[data]'" in capsys.readouterr().err


def test_one_column_and_constant_columns_are_data():
    y = np.random.default_rng(1).standard_normal((200, 1))
    narrow = analyze(y, rng=0, n_queries=40)
    padded = analyze(np.hstack([y, np.full((200, 2), 7.0)]), rng=0, n_queries=40)
    assert narrow.rank == padded.rank == 1
    assert padded.spectrum[1:].tolist() == [0, 0]
    np.testing.assert_allclose(padded.spectrum[0], narrow.spectrum[0])
    # Noise in the directions without data says nothing of them.
    np.testing.assert_allclose(
        padded.information_lower, narrow.information_lower, atol=4 * np.max(narrow.information_lower_error)
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4", "longdouble", "int16", "uint8", "bool"])
def test_numbers_of_any_kind(dtype):
    y = (GOOD if np.dtype(dtype).kind == "f" else np.abs(40 * GOOD) // 1 % 2).astype(dtype)
    found = analyze(np.asfortranarray(y), [0.5, 1], rng=0, n_queries=20, scale="unit")
    expected = analyze(y.astype(float), [0.5, 1], rng=0, n_queries=20, scale="unit")
    np.testing.assert_array_equal(found.excess_entropy, expected.excess_entropy)


PIXELS = np.random.default_rng(2).integers(0, 256, (60, 2, 3), dtype=np.uint8)
KINDS = {
    "a.npy": (npy(PIXELS), []),
    "a.npz": (npz(x=PIXELS, other=GOOD), ["--array", "x"]),
    "a.h5": (hdf5(x=PIXELS, other=GOOD), ["--array", "x"]),
    "deep.h5": (hdf5(**{"group/x": PIXELS}), ["--array", "group/x"]),
    "a.zarr": (zarr(x=PIXELS), []),
    "folder": (images(*PIXELS), []),
    "a.csv": (lambda path: np.savetxt(path, PIXELS.reshape(60, 6), "%d", ",", header="a,b,c,d,e,f", comments=""), []),
    "a.txt": (lambda path: np.savetxt(path, PIXELS.reshape(60, 6), "%d"), []),
}


@pytest.mark.parametrize("name", KINDS)
def test_files_of_every_kind_hold_the_same_samples(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write, options = KINDS[name]
    write(tmp_path / name)
    argv = ["--queries", "20", "--t", "0.5,1", "--scale", "0.01", "--format", "json"]
    assert run(["analyze", name, *options, *argv]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = analyze(PIXELS, [0.5, 1], rng=0, n_queries=20, scale=0.01)
    assert [row["excess_entropy"] for row in found["rows"]] == expected.excess_entropy.tolist()


def test_colours_are_read_through_their_palette(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "pictures").mkdir()
    picture = image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]], dtype=np.uint8))
    for i in range(4):
        picture.quantize(2).save(tmp_path / "pictures" / f"{i}.png")
    found = read_samples(tmp_path / "pictures")
    assert found.shape == (4, 1, 2, 3)
    assert found[0, 0].tolist() == [[255, 0, 0], [0, 0, 255]]


def test_small_files(tmp_path):
    np.save(tmp_path / "a.npy", GOOD)
    assert isinstance(read_samples(tmp_path / "a.npy"), np.memmap)
    (tmp_path / "labels.txt").write_text("cat\ndog\ncat\n")
    assert read_labels(tmp_path / "labels.txt").tolist() == ["cat", "dog", "cat"]
    (tmp_path / "loss.csv").write_text("0.1,0.05\n1,0.4\n")
    assert read_curve(tmp_path / "loss.csv").shape == (2, 2)

"""Laws and spectra from files: what is read, and what is refused with the key or line at fault."""

import json

import numpy as np
import pytest

from phasediag import GaussianMixture, HiddenManifold, LinearManifold, Sphere
from phasediag.cli import main
from phasediag.laws import files
from phasediag.laws.files import law_from_dict, law_to_dict, load_law, load_spectrum

PAIR = GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])


@pytest.mark.parametrize(
    ("text", "law"),
    [
        (
            'law = "linear-manifold"\nvariances = [1, 0.3]\ndims = [2, 5]\nambient_dim = 30',
            LinearManifold([1, 0.3], [2, 5], 30),
        ),
        ('law = "linear-manifold"\neigenvalues = [0.3, 1, 0.3, 0]', LinearManifold([1, 0.3], [1, 2], 4)),
        ('law = "marchenko-pastur"\nratio = 0.5\ndim = 100', LinearManifold.marchenko_pastur(0.5, 100)),
        ('law = "power-law"\nexponent = 1\ndim = 1000\nnodes = 16', LinearManifold.power_law(1, 1000, 16)),
        ('law = "gaussian-mixture"\nweights = [0.5, 0.5]\nmeans = [[4, 0], [-4, 0]]\ncovariances = [0.5, 0.5]', PAIR),
        ('law = "sphere"\ndim = 3\nradius = 2', Sphere(3, 2.0)),
        ('law = "hidden-manifold"\nlatent_dim = 3\nambient_dim = 9\nactivation = "relu"', HiddenManifold(3, 9, "relu")),
    ],
)
def test_every_law_is_read_from_both_formats(tmp_path, text, law):
    path = tmp_path / "law.toml"
    path.write_text(text)
    assert load_law(path) == law
    again = tmp_path / "law.json"
    again.write_text(json.dumps(law_to_dict(law)))
    assert load_law(again) == law


def test_arrays_survive():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((3, 2)))[0]
    m = LinearManifold([1, 0.5], [1, 1], 3, mean=[1, 2, 3], basis=basis)
    assert law_from_dict(law_to_dict(m)) == m
    sphere = LinearManifold([1, 0.5], [1, 1], 3, geometry="sphere", radius=2)
    assert law_from_dict(law_to_dict(sphere)) == sphere
    with pytest.raises(ValueError, match=r"law must be one of .* got str"):
        law_to_dict("a law")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dim = 3", "law must be one of linear-manifold, .* got None"),
        ('law = "cube"', "got 'cube'"),
        ('law = ["sphere"]', "law must be one of"),
        ('law = "sphere"', "sphere needs the key 'dim'"),
        ('law = "sphere"\ndim = 3\nraduis = 2', "sphere has no key 'raduis', did you mean 'radius'"),
        ('law = "sphere"\ndim = 3\ncolour = 2', "sphere has no key 'colour': its keys are dim, radius, ambient_dim"),
        ('law = "sphere"\ndim = "three"', "dim must be an integer"),
        ('law = "sphere"\ndim = nan', "dim must be an integer"),
        ('law = "sphere"\ndim = 3\nradius = [1, 2]', "radius"),
        (
            'law = "gaussian-mixture"\nweights = [0.5, 0.6]\nmeans = [[0], [1]]\ncovariances = [1, 1]',
            "weights must sum to 1",
        ),
        ('law = "gaussian-mixture"\nweights = [1]\nmeans = [[nan]]\ncovariances = [1]', "means must be finite"),
        (
            'law = "gaussian-mixture"\nweights = [0.5, 0.5]\nmeans = [[0], [1, 2]]\ncovariances = [1, 1]',
            "means must be an array",
        ),
        ('law = "hidden-manifold"\nlatent_dim = 3\nambient_dim = 3\nactivation = "gelu"', "activation must be one of"),
        ('law = "hidden-manifold"\nlatent_dim = 3\nambient_dim = 3\nactivation = [1]', "hidden-manifold"),
        ('law = "linear-manifold"\nvariances = 1\ndims = [1]', "variances must be numbers"),
        ('law = "linear-manifold"\neigenvalues = [1]\nvariances = [1]', "has no key 'variances'"),
        ("law = ", "Invalid value"),
    ],
)
def test_bad_files_are_refused_by_key(tmp_path, text, message):
    path = tmp_path / "law.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_law(path)
    assert "law.toml: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"law": "sphere", "dim": 3, "dim": 4}', "a key stands twice"),
        ("[1, 2]", "a law must be a table"),
        ("[" * 100_000, "nested too deeply"),
        ('{"law": "sphere", "dim": NaN}', "dim must be an integer"),
        ("{", "Expecting"),
    ],
)
def test_bad_json_is_refused(tmp_path, text, message):
    path = tmp_path / "law.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_law(path)


def test_other_files_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"must end in \.toml or \.json"):
        load_law(tmp_path / "law.yaml")
    with pytest.raises(FileNotFoundError):
        load_law(tmp_path / "law.toml")
    monkeypatch.setattr(files, "_MOST_BYTES", 2**20)
    large = tmp_path / "large.txt"
    large.write_bytes(b"1\n" * 2**20)
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        load_spectrum(large)
    with pytest.raises(ValueError, match="not a regular file"):
        load_spectrum("/dev/null")


def test_spectra_from_text_and_arrays(tmp_path):
    text, array = tmp_path / "s.txt", tmp_path / "s.npy"
    text.write_text("# eigenvalues\n1.5\n\n 0.25  # a comment\n2e-3\n")
    np.save(array, np.array([1.5, 0.25, 2e-3]))
    np.testing.assert_array_equal(load_spectrum(text), [1.5, 0.25, 2e-3])
    np.testing.assert_array_equal(load_spectrum(array), load_spectrum(text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1.0\nabc\n", "line 2 is no number: 'abc'"),
        (b"1.0\n0.3 0.2\n", "line 2 is no number"),
        (b"", "must be a list of finite numbers"),
        (b"nan\n", "must be a list of finite numbers"),
    ],
)
def test_bad_spectra_are_refused_by_line(tmp_path, content, message):
    path = tmp_path / "s.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_spectrum(path)


def test_arrays_that_are_no_spectra_are_refused(tmp_path):
    path = tmp_path / "s.npy"
    for array in (np.ones((2, 2)), np.array(["a"]), np.array([{}], dtype=object)):
        np.save(path, array, allow_pickle=True)
        with pytest.raises(ValueError, match=r"s\.npy: "):
            load_spectrum(path)
    path.write_bytes(b"\x93NUMPY nonsense")
    with pytest.raises(ValueError, match="no array of numbers"):
        load_spectrum(path)


MIXTURE = 'law = "gaussian-mixture"\nweights = {}\nmeans = {}\ncovariances = {}'
HIDDEN = 'law = "hidden-manifold"\nlatent_dim = 3\nambient_dim = {}\nactivation = "{}"'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (MIXTURE.format("[0.5, 0.6]", "[[0], [1]]", "[1, 1]"), "weights must sum to 1"),
        (MIXTURE.format("[0.5, nan]", "[[0], [1]]", "[1, 1]"), "weights must be finite"),
        (MIXTURE.format("[0.5, 0.5]", "[[0], [inf]]", "[1, 1]"), "means must be finite"),
        (MIXTURE.format("[0.5, 0.5]", "[[0], [1e200]]", "[1, 1]"), "means must lie between"),
        (MIXTURE.format("[0.5, 0.5]", "[[0, 1], [1]]", "[1, 1]"), "means must be an array"),
        (MIXTURE.format("[1]", "[[0, 0]]", "[[[1, 2], [2, 1]]]"), "covariances[0] must be positive semi-definite"),
        (MIXTURE.format("[1]", "[[0, 0]]", "[1, 1, 1]"), "covariances must have one of the shapes"),
        (MIXTURE.format("[1]", "[[0, 0]]", "[1e-320]"), "covariances[0] must lie between"),
        (HIDDEN.format(3, "gelu"), "activation must be one of"),
        (HIDDEN.format("nan", "tanh"), "ambient_dim must be an integer"),
        ('law = "sphere"\ndim = 3\nradius = 1e200', "radius must lie between"),
        ('law = "sphere"\ndim = true', "dim must be an integer"),
        (None, "larger than 64 MiB"),
    ],
)
@pytest.mark.parametrize("command", [("information", "--t", "0.1"), ("regimes", "--n", "100")])
def test_commands_refuse_bad_laws_in_one_line(command, text, key, tmp_path, capsys):
    path = tmp_path / "law.toml"
    if text is None:
        with path.open("wb") as file:
            file.truncate(10**9)  # a hole, which takes no room
    else:
        path.write_text(text)
    with pytest.raises(SystemExit) as stop:
        main([*command, "--law", str(path)])
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
    assert "law.toml: " in err
    assert key in err

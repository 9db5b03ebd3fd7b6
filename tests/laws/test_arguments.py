"""Whatever a script gives a public verb by mistake is refused in one sentence."""

import inspect

import numpy as np
import pytest

import napari_fusion as nf
from napari_fusion.io import isolated, rectified

GRID = nf.Grid.regular((16, 20, 20), (2, 2, 2))
RANDOM = np.random.default_rng(0)
A, B = (nf.Volume(RANDOM.random(GRID.shape, np.float32), GRID) for _ in range(2))
SAME = nf.Alignment.identity(GRID, GRID)
PAIRS = nf.Landmarks(GRID.corners, GRID.corners)
QUICK = nf.AlignOptions(samples=1000)
BOTH = {"sources": [A, B], "method": "average", "windows": None, "axis": None}

CALLS = {
    "align": {"fixed": A, "moving": B, "options": QUICK, "initial": None, "masks": (None, None)},
    "align_all": {
        "fixed": A,
        "movings": [B],
        "options": QUICK,
        "initials": None,
        "masks": (None, None),
    },
    "align_landmarks": {"landmarks": PAIRS, "fixed": GRID, "moving": GRID, "model": "rigid"},
    "assess": {"fixed": A, "moving": B, "alignment": SAME},
    "attribution": BOTH,
    "change": {"baseline": A, "followup": B, "uncertainty_mm": 1.0, "sigmas": 5, "scale_mm": 1},
    "check_landmarks": {"alignment": SAME, "landmarks": PAIRS},
    "colour": {
        "fused": A,
        "functional": B,
        "name": "PET",
        "convention": "luminance",
        "window": None,
    },
    "export_outcome": {"outcome": None},
    "fuse": BOTH,
    "fuse_slice": BOTH | {"index": 3},
    "loop_consistency": {"alignments": (SAME, SAME)},
    "measure": {"volume": A, "rois": B},
    "resample": {"volume": A, "grid": GRID, "alignment": SAME, "interpolation": "linear"},
    "run": {"recipe": nf.Recipe(align=None), "fixed": A, "moving": (B,), "alignments": [SAME]},
    "save": {"volume": A},
    "to_suv": {"pet": A},
}
WRONG = [object(), "nonsense", [object()], ["nonsense"], {"a": 1}, 3 + 4j]


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: type(w).__name__)
def test_an_argument_of_another_kind_is_refused(verb, wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rest = {"export_outcome": {"folder": tmp_path}, "save": {"path": tmp_path / "a.nii"}}
    for name in CALLS[verb]:
        with pytest.raises(nf.ParameterError) as told:
            _call(getattr(nf, verb), CALLS[verb] | rest.get(verb, {}) | {name: wrong})
        assert "\n" not in str(told.value), name
    assert not any(tmp_path.iterdir())


def _call(function, arguments):
    """Call a function by its arguments' names, those of a star too."""
    signature = inspect.signature(function)
    starred = [p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL]
    if not starred:
        return function(**arguments)
    given = arguments.pop(starred[0])
    before = [arguments.pop(name) for name in ("recipe", "fixed") if name in arguments]
    return function(*before, *(given if isinstance(given, list | tuple) else [given]), **arguments)


def test_every_verb_is_held_to_it():
    verbs = {name for name in nf.__all__ if inspect.isfunction(getattr(nf, name))}
    assert verbs - set(CALLS) == {"load", "run_table", "scan"}  # theirs are paths


@pytest.mark.parametrize(
    "make",
    [
        lambda: nf.Window(lower=1, upper=0),
        lambda: nf.Window(lower=np.nan, upper=1),
        lambda: nf.Window.level(1, -5),
        lambda: nf.AlignOptions(model="bend"),
        lambda: nf.AlignOptions(samples=1),
        lambda: nf.Recipe(axis=5),
        lambda: nf.Recipe(align={"model": "bend"}),
        lambda: nf.Recipe(windows=["bone", "5:1"]),
        lambda: nf.Alignment("x", GRID, np.eye(4)),
        lambda: nf.Alignment.identity(GRID, 3),
        lambda: nf.Landmarks("x", "y"),
        lambda: nf.Volume(A.array, "x"),
        lambda: SAME.then("x"),
    ],
)
def test_a_noun_that_cannot_be_is_refused(make):
    with pytest.raises(nf.ParameterError) as told:
        make()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nf.Grid("x", np.eye(4)),
        lambda: nf.Grid((2.7, 3, 4), np.eye(4)),
        lambda: nf.Grid((2, 3, 4), "x"),
        lambda: nf.Grid.regular((4, 4)),
        lambda: nf.Grid.regular((4, 4, 4), (1, 2)),
        lambda: nf.Grid.regular((4, 4, 4), "x"),
        lambda: GRID.with_spacing("x"),
        lambda: GRID.with_spacing((1, 0, 1)),
    ],
)
def test_a_grid_that_cannot_be_is_refused(make):
    with pytest.raises(nf.GeometryError) as told:
        make()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"modle": "rigid"}, "there is no 'modle' here: did you mean 'model'?"),
        ({"model": "bend"}, "model should be 'rigid', .* not 'bend'"),
        ({"samples": 1}, "samples should be greater than or equal to 1000, not 1"),
    ],
)
def test_what_is_wrong_is_said_by_name(wrong, said):
    with pytest.raises(nf.ParameterError, match=said):
        nf.AlignOptions(**wrong)


def test_windows_go_by_name_everywhere():
    ct = nf.Volume(A.array * 1000, GRID, modality="CT", unit="HU")
    by_name = nf.fuse([ct, B], "average", windows=["bone", "0:1"])
    bone = nf.Window.level(480, 2500)
    by_number = nf.fuse([ct, B], "average", windows=[bone, nf.Window(lower=0, upper=1)])
    np.testing.assert_array_equal(by_name.array, by_number.array)
    assert ct.window("bone") == bone
    assert ct.window() == nf.Window(lower=-150, upper=1200)


def test_a_window_of_another_modality_is_refused_by_every_door():
    mr = nf.Volume(A.array, GRID, modality="MR")
    for asked in (lambda: mr.window("bone"), lambda: nf.fuse([mr, B], windows=["bone", None])):
        with pytest.raises(nf.ParameterError, match="the window 'bone' is for CT in HU"):
            asked()
    assert mr.window((0, 1)) == mr.window("0:1") == nf.Window(lower=0, upper=1)


PLACES = {
    "load": nf.load,
    "scan": nf.scan,
    "isolated.load": isolated.load,
    "isolated.scan": isolated.scan,
    "rectified": rectified,
    "isolated.rectified": isolated.rectified,
    "save": lambda path: nf.save(A, path),
    "run_table": lambda path: nf.run_table([], path),
    "Alignment.load": nf.Alignment.load,
    "Alignment.save": SAME.save,
    "Landmarks.load": nf.Landmarks.load,
    "Landmarks.save": PAIRS.save,
}


@pytest.mark.parametrize("verb", PLACES)
@pytest.mark.parametrize("wrong", [None, 3, b"a.nii", ["a.nii"], ""], ids=repr)
def test_what_is_no_path_is_refused(verb, wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nf.ParameterError, match=r"^(path|out) is ") as told:
        PLACES[verb](wrong)
    assert "\n" not in str(told.value)
    assert not any(tmp_path.iterdir())


def test_the_folder_a_program_runs_in_has_a_name(tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    monkeypatch.chdir(tmp_path / "study")
    with pytest.raises(nf.ReadError, match="study holds no image"):
        nf.load(".")

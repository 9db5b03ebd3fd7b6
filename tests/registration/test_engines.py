"""Other programs as engines: a false one that ends in every way, and real ones if installed."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
import SimpleITK as sitk

from napari_fusion import phantom
from napari_fusion.errors import AlignError, Cancelled, MissingExtra, ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration import AlignOptions, align
from napari_fusion.registration.engines import (
    check_engine,
    deform_by_engine,
    linear_by_engine,
)
from napari_fusion.registration.engines.job import MODULES, Job
from napari_fusion.registration.engines.process import run
from napari_fusion.registration.pulse import Pulse
from napari_fusion.volume import Volume

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""LPS to RAS, which is how greedy writes its matrices."""

FALSE_GREEDY = """
import os, pathlib, time
import numpy as np
import SimpleITK as sitk

HERE = pathlib.Path(__file__).parent

class Greedy3D:
    def execute(self, command, **images):
        (HERE / "command").write_text(command)
        (HERE / "folder").write_text(os.getcwd())
        (HERE / "images").write_text(" ".join(sorted(images)))
        sitk.WriteImage(images["moving"], str(HERE / "moving.mha"))
        (HERE / "pid").write_text(str(os.getpid()))
        {deed}

    def __getitem__(self, name):
        if (HERE / "matrix.npy").exists():
            return np.load(HERE / "matrix.npy")
        return sitk.ReadImage(str(HERE / "field.mha"))
"""

DEEDS = {
    "succeed": "pass",
    "crash": "os._exit(11)",
    "complain": "raise RuntimeError('no overlap')",
    "hang": "time.sleep(600)",
}


@pytest.fixture
def greedy(tmp_path, monkeypatch):
    """Put a greedy that does one deed in the place of the real one; gives its folder."""
    place = tmp_path / "modules"

    def does(deed) -> Path:
        place.mkdir()
        (place / "picsl_greedy.py").write_text(FALSE_GREEDY.format(deed=DEEDS[deed]))
        monkeypatch.syspath_prepend(place)
        return place

    return does


@pytest.fixture(scope="module")
def pair():
    return phantom.misaligned_pair("CT", "T1", size="small")


def by_greedy(pair, start=None, model="rigid", progress=None):
    options = AlignOptions(engine="greedy", model=model)
    return linear_by_engine(pair[:2], options, start, Pulse(progress))


def test_what_an_engine_finds_is_judged_by_the_same_gate(greedy, pair):
    place = greedy("succeed")
    np.save(place / "matrix.npy", FLIP @ pair[2] @ FLIP)
    found = align(*pair[:2], AlignOptions(engine="greedy"))
    np.testing.assert_allclose(found.matrix, pair[2], atol=1e-9)
    assert found.quality.verdict == "PASS"
    assert found.quality.numbers["z"] > 2


def test_a_wrong_answer_of_an_engine_fails(greedy, pair):
    place = greedy("succeed")
    away = np.eye(4)
    away[0, 3] = 40
    np.save(place / "matrix.npy", FLIP @ away @ pair[2] @ FLIP)
    assert align(*pair[:2], AlignOptions(engine="greedy")).quality.verdict == "FAIL"


def test_a_start_is_where_the_engine_begins(greedy, pair):
    """It sees the moving volume where the start puts it, and what it finds comes on top."""
    place = greedy("succeed")
    extra = np.eye(4)
    extra[:3, 3] = 1, 2, 3
    np.save(place / "matrix.npy", FLIP @ extra @ FLIP)
    found = by_greedy(pair, pair[2])
    np.testing.assert_allclose(found, pair[2] @ extra, atol=1e-9)
    assert "-ia-identity" in (place / "command").read_text()
    origin = sitk.ReadImage(str(place / "moving.mha")).GetOrigin()
    sent = pair[2] @ [*origin, 1]
    np.testing.assert_allclose(sent[:3], pair[1].grid.origin, atol=1e-6)


def test_voxels_without_a_value_are_masked(greedy, pair):
    place = greedy("succeed")
    np.save(place / "matrix.npy", np.eye(4))
    array = np.array(pair[1].array, np.float32)
    array[:3] = np.nan
    by_greedy((pair[0], Volume(array, pair[1].grid, "MR")))
    assert (place / "images").read_text() == "fixed found moving moving_mask"
    assert "-mm moving_mask" in (place / "command").read_text()
    assert "-gm" not in (place / "command").read_text()
    assert np.isfinite(sitk.GetArrayFromImage(sitk.ReadImage(str(place / "moving.mha")))).all()


def test_a_bending_comes_before_the_linear_map(greedy, pair):
    place = greedy("succeed")
    fixed, moving, truth = pair
    vectors = np.random.default_rng(0).normal(0, 1, (*fixed.grid.shape, 3)).astype(np.float32)
    image = sitk.GetImageFromArray(vectors, isVector=True)
    from napari_fusion.itk import place as put

    put(image, fixed.grid)
    sitk.WriteImage(image, str(place / "field.mha"))
    options = AlignOptions(engine="greedy", model="deformable")
    field = deform_by_engine((fixed, moving), truth, options, Pulse(None))
    np.testing.assert_array_equal(field.vectors, vectors)
    assert field.grid.matches(fixed.grid)
    drawn = sitk.ReadImage(str(place / "moving.mha"))
    assert drawn.GetSize() == fixed.grid.shape[::-1]
    assert "-a " not in (place / "command").read_text()


def test_an_engine_bends_labels_too(greedy, pair):
    place = greedy("succeed")
    fixed = pair[0]
    labels = Volume(np.ones(pair[1].grid.shape, np.uint8), pair[1].grid, "LABEL", "label")
    image = sitk.GetImageFromArray(np.zeros((*fixed.grid.shape, 3), np.float32), isVector=True)
    sitk.WriteImage(image, str(place / "field.mha"))
    options = AlignOptions(engine="greedy", model="deformable")
    deform_by_engine((fixed, labels), pair[2], options, Pulse(None))
    assert (place / "images").read_text() == "fixed found moving moving_mask"


@pytest.mark.parametrize("deed", ["crash", "complain"])
def test_an_engine_that_breaks_is_one_sentence(deed, greedy, pair):
    greedy(deed)
    with pytest.raises(AlignError, match="greedy stopped without an answer"):
        by_greedy(pair)


def test_d61_cancel_ends_the_engine_and_leaves_nothing(greedy, pair):
    place = greedy("hang")

    def progress(fraction: float, words: str) -> None:
        if (place / "pid").exists() and (place / "pid").read_text():
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        by_greedy(pair, progress=progress)
    assert not psutil.pid_exists(int((place / "pid").read_text()))
    assert not Path((place / "folder").read_text()).exists()


@pytest.mark.parametrize("engine", MODULES)
def test_an_engine_that_is_not_installed_names_its_extra(engine, monkeypatch):
    monkeypatch.setattr("napari_fusion.registration.engines.find_spec", lambda name: None)
    volume = Volume(np.ones((2, 2, 2), np.float32), Grid.regular((2, 2, 2)), "MR")
    with pytest.raises(MissingExtra, match=rf"napari-fusion\[{engine}\]"):
        align(volume, volume, AlignOptions(engine=engine))


def test_an_engine_that_cannot_be_imported_names_its_extra(tmp_path, monkeypatch):
    (tmp_path / "picsl_greedy.py").write_text("import a_library_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "job"
    folder.mkdir()
    with pytest.raises(MissingExtra, match=r"napari-fusion\[greedy\]"):
        run(Job("greedy", "rigid", 0, centred=True), folder, lambda: None)


def test_a_map_that_an_engine_does_not_find_is_refused():
    with pytest.raises(ParameterError, match="rigid and affine maps, not similarity"):
        check_engine(AlignOptions(engine="elastix", model="similarity"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", MODULES)
def test_the_real_engine_finds_the_pose(engine, pair):
    if find_spec(MODULES[engine][0]) is None:
        pytest.skip(f"{engine} is not installed")
    found = align(*pair[:2], AlignOptions(engine=engine))
    points = phantom.foreground_points(200)
    away = found.map_points(points) - (points @ pair[2][:3, :3].T + pair[2][:3, 3])
    assert np.linalg.norm(away, axis=1).mean() < 1


@pytest.mark.slow
@pytest.mark.parametrize("engine", MODULES)
def test_the_real_engine_bends_the_right_way(engine):
    if find_spec(MODULES[engine][0]) is None:
        pytest.skip(f"{engine} is not installed")
    grid, warp = phantom.default_grid("T1", 3.0), phantom.warp(5.0, 80.0, seed=4)
    pair = phantom.head("T1", grid, seed=3), phantom.head("T1", grid, pose=warp, seed=4)
    options = AlignOptions(engine=engine, model="deformable")
    field = deform_by_engine(pair, np.eye(4), options, Pulse(None))
    spots = phantom.foreground_points(300, seed=2)
    before = np.linalg.norm(warp(spots) - spots, axis=1).mean()
    after = np.linalg.norm(warp(spots + field.at(spots)) - spots, axis=1).mean()
    assert after < 0.6 * before

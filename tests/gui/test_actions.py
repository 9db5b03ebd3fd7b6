import numpy as np
import pytest

from napari_fusion import AlignError, GeometryError, Grid, ParameterError, Volume
from napari_fusion.errors import silent
from napari_fusion.gui import (
    Frame,
    align_layers,
    colour_layers,
    from_layer,
    fuse_layers,
    to_layer,
)
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.align.aligning import Aligning
from napari_fusion.gui.layers import PLACE, frame_of
from napari_fusion.gui.snapshot import ALIGNMENT, STATE, Snapshot
from napari_fusion.phantom import foreground_points


def add(viewer, volume, name="", frame=None):
    data, keywords, _ = to_layer(volume, frame, name=name)
    return viewer.add_image(data, **keywords)


def untouched(layer):
    return (layer.data, layer.scale.tolist(), layer.translate.tolist(), layer.contrast_limits)


def test_align_finds_the_truth_and_leaves_the_originals(viewer, pair):
    fixed, moving, truth = pair
    before = [untouched(layer) for layer in viewer.layers]
    added = align_layers(viewer, "head CT", "head T1")
    for layer, (data, *rest) in zip(viewer.layers, before, strict=False):
        assert layer.data is data
        assert list(untouched(layer)[1:]) == rest
    assert from_layer(added).grid == fixed.grid
    assert from_layer(added).modality == "MR"
    points = foreground_points(200)
    found = added.metadata[ALIGNMENT].map_points(points)
    wanted = points @ truth[:3, :3].T + truth[:3, 3]
    assert np.linalg.norm(found - wanted, axis=1).mean() < 1.0
    assert viewer.layers["head T1"].metadata["napari_fusion"] is moving


def test_an_aligned_layer_says_what_the_gate_said(viewer, gate):
    gate("CHECK", "Look at the skull base.")
    added = align_layers(viewer, "head CT", "head T1")
    assert added.name == "head T1 on head CT (CHECK)"
    assert added.metadata[STATE] == "▲ CHECK: Look at the skull base."


def test_a_failed_alignment_is_never_added_silently(viewer, gate):
    gate("FAIL", "They do not match.")
    with pytest.raises(AlignError, match=r"They do not match\. Nothing was added.*accept='FAIL'"):
        align_layers(viewer, "head CT", "head T1")
    assert [layer.name for layer in viewer.layers] == ["head CT", "head T1"]
    assert viewer.layers["head T1"].visible
    added = align_layers(viewer, "head CT", "head T1", accept="FAIL")
    assert added.name == "FAIL: head T1 on head CT"


def test_fuse_accounts_for_every_pixel(viewer, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    fused, share = fuse_layers(viewer, ["head CT", moved], "laplacian", levels=3)
    assert fused.name == "laplacian: head CT + head T1 on head CT"
    assert share.name == "share of head T1 on head CT"
    assert from_layer(fused).modality == "FUSED"
    assert from_layer(fused).history[-1].parameters["verdict"] == "PASS"
    whole = from_layer(share).array
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert np.isnan(share.data[fused.data == 0]).all()
    assert np.array_equal(share.data[fused.data > 0.1], whole[fused.data > 0.1])
    assert [layer.visible for layer in viewer.layers] == [False, False, False, True, False]


def test_fuse_uses_the_windows_on_screen(viewer, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    viewer.layers["head CT"].contrast_limits = (0, 80)
    fused, _ = fuse_layers(viewer, ["head CT", moved], "average")
    asked = from_layer(fused).history[-2].parameters["windows"]
    assert asked[0] == [0.0, 80.0]


def test_three_sources_get_three_shares(viewer, gate, pair):
    moved = align_layers(viewer, "head CT", "head T1")
    again = align_layers(viewer, "head CT", "head T1", model="affine")
    layers = fuse_layers(viewer, ["head CT", moved, again], "average")
    assert len(layers) == 4
    total = sum(from_layer(layer).array for layer in layers[1:])
    np.testing.assert_allclose(total, 1, atol=1e-5)


def test_a_new_picture_takes_the_place_of_the_former_one(viewer, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    first, _ = fuse_layers(viewer, ["head CT", moved], "average")
    coloured = colour_layers(viewer, ["head CT", moved])
    assert (first.visible, coloured.visible) == (False, True)
    second, _ = fuse_layers(viewer, ["head CT", moved], "maximum")
    assert [layer for layer in viewer.layers if layer.visible] == [second]


def test_what_is_not_registered_says_so_everywhere(viewer):
    fused, share = fuse_layers(viewer, ["head CT", "head T1"], "maximum")
    for layer in (fused, share):
        assert layer.name.startswith("NOT REGISTERED: ")
        assert "NOT REGISTERED" in layer.metadata[STATE]
        assert layer.metadata[PLACE].aligned is None
    assert any("NOT REGISTERED" in warning for warning in from_layer(fused).warnings)


def test_a_layer_moved_after_alignment_is_no_longer_registered(viewer, gate):
    moved = align_layers(viewer, "head CT", "head T1")
    moved.translate = moved.translate + 5
    fused, _ = fuse_layers(viewer, ["head CT", moved], "average")
    assert fused.name.startswith("NOT REGISTERED")


def test_volumes_of_different_patients_are_refused(viewer, pair, gate):
    from dataclasses import replace

    add(viewer, replace(pair[0], patient="one"), "his CT")
    add(viewer, replace(pair[1], patient="two"), "her MR")
    for refused in (
        lambda **more: align_layers(viewer, "his CT", "her MR", **more),
        lambda **more: fuse_layers(viewer, ["his CT", "her MR"], "average", **more),
    ):
        count = len(viewer.layers)
        with pytest.raises(ParameterError, match="type DIFFERENT PATIENTS"):
            refused()
        assert len(viewer.layers) == count
        refused(different_patients=True)
    fused, _ = fuse_layers(viewer, ["his CT", "her MR"], "average", different_patients=True)
    assert fused.name.startswith("DIFFERENT PATIENTS")


def test_layers_far_apart_are_refused(viewer):
    far = Grid.regular((4, 4, 4), centre=(5000, 0, 0))
    add(viewer, Volume(np.random.default_rng(0).random(far.shape), far), "elsewhere")
    with pytest.raises(GeometryError, match="'elsewhere' has no point in common"):
        fuse_layers(viewer, ["head CT", "elsewhere"], "average")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda v: align_layers(v, "head CT", "nobody"), "no image layer 'nobody'"),
        (lambda v: align_layers(v, "head CT", "head CT"), "the same one was named twice"),
        (lambda v: align_layers(v, "", "head CT"), "choose a fixed and a moving layer"),
        (lambda v: fuse_layers(v, ["head CT"]), "two layers or more"),
        (lambda v: fuse_layers(v, ["head CT", "head T1"], "laplace"), "did you mean 'laplacian'"),
        (lambda v: fuse_layers(v, ["head CT", "head T1"], levels=99), "levels runs from"),
        (lambda v: fuse_layers(v, ["head CT", "head T1"], windows=[(0, 1)]), "1 windows"),
        (lambda v: align_layers(v, "head CT", "head T1", accept="MAYBE"), "accept is one of"),
        (lambda v: align_layers(v, "head CT", "head T1", model="bent"), "the options: model"),
        (
            lambda v: align_layers(v, "head CT", "head T1", effort=2),
            "there is no 'effort'",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(viewer, call, words):
    with pytest.raises(ParameterError, match=words):
        call(viewer)
    assert len(viewer.layers) == 2


def test_the_line_of_a_job_repeats_it_exactly(viewer, gate):
    first = Aligning(Snapshot.of(viewer), "head CT", "head T1")
    exec(first.line(), {"viewer": viewer})
    job = Fusing(
        Snapshot.of(viewer), ("head CT", "head T1 on head CT"), "laplacian", None, {"levels": 2}
    )
    computed = [data for data, _, _ in job.compute(silent).layers]
    exec(job.line(), {"viewer": viewer})
    for array, layer in zip(computed, list(viewer.layers)[-2:], strict=True):
        np.testing.assert_array_equal(array, layer.data)


def test_names_with_quotes_survive_in_the_line(viewer, gate):
    viewer.layers["head T1"].name = "the \"T1\" of 'yesterday'"
    job = Aligning(Snapshot.of(viewer), "head CT", "the \"T1\" of 'yesterday'")
    exec(job.line(), {"viewer": viewer})
    assert len(viewer.layers) == 3


def test_an_oblique_fixed_layer_turns_the_view_to_its_own_axes(viewer, gate, pair, said):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", [10, 5, 0], degrees=True).as_matrix()
    oblique = pair[0].grid
    grid = Grid.regular(
        oblique.shape, oblique.spacing, centre=oblique.centre, direction=turn @ oblique.direction
    )
    tilted = Volume(pair[0].array, grid, "CT", "HU")
    layer = add(viewer, tilted, "tilted", frame_of(viewer))
    assert "drawn turned" in layer.metadata[PLACE].note
    added = align_layers(viewer, "tilted", "head T1")
    frame = Frame.of(grid)
    for one in viewer.layers:
        assert one.metadata[PLACE].frame.matches(frame)
    assert np.shares_memory(layer.data, tilted.array)
    assert from_layer(added).grid == grid
    assert from_layer(viewer.layers["head T1"]) is pair[1]
    assert any("head CT: drawn turned" in sentence for sentence in said())


def test_layers_of_others_are_left_alone(viewer, gate):
    viewer.add_points([[0, 0, 0]], units=("mm",) * 3)
    plain = viewer.add_image(np.ones((4, 5, 6)), units=("mm",) * 3)
    align_layers(viewer, "head CT", "head T1")
    assert np.array_equal(plain.data, np.ones((4, 5, 6)))
    assert viewer.layers.units is not None

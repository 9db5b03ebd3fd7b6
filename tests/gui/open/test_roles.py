"""Who is fixed and who is moving, while layers come, go, and come back."""

import pytest

from napari_fusion.gui.align.aligning import align_layers
from napari_fusion.gui.steps.open import OpenStep


@pytest.fixture
def step(qtbot, viewer):
    widget = OpenStep(viewer)
    qtbot.addWidget(widget)
    return widget


def roles(step):
    return step.current.fixed, step.current.moving


def test_roles_return_when_an_alignment_is_taken_back_and_done_again(step, viewer, gate):
    before = roles(step)
    moved = align_layers(viewer, *before)
    step.move_on(moved)
    assert roles(step) == (before[0], moved.name)
    viewer.layers.remove(moved)
    assert roles(step) == before
    viewer.layers.append(moved)
    assert roles(step) == (before[0], moved.name)


@pytest.mark.parametrize("place", [0, 1])
def test_a_layer_that_comes_back_has_the_role_it_had(step, viewer, place):
    before = roles(step)
    gone = viewer.layers[before[place]]
    viewer.layers.remove(gone)
    viewer.layers.append(gone)
    assert roles(step) == before


def test_another_choice_meanwhile_is_kept(step, viewer, pair):
    from napari_fusion.gui.layers import add_volume

    third = add_volume(viewer, pair[1], name="third")
    before = roles(step)
    gone = viewer.layers[before[1]]
    viewer.layers.remove(gone)
    step.moving.choose(third)
    viewer.layers.append(gone)
    assert roles(step) == (before[0], "third")


def test_a_layer_that_stays_open_keeps_its_role(step, viewer, pair):
    from napari_fusion.gui.layers import add_volume

    third = add_volume(viewer, pair[1], name="third")
    first, second = (viewer.layers[name] for name in roles(step))
    step.fixed.choose(third)
    step.moving.choose(second)
    step.fixed.choose(first)
    step.moving.choose(third)
    viewer.layers.remove(third)
    assert roles(step) == (first.name, second.name)
    viewer.layers.append(third)
    assert roles(step) == (first.name, "third")

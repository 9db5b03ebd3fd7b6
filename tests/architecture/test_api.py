"""The public names; one is only removed after a release in which it was deprecated."""

import inspect

import pytest

import napari_fusion

PUBLIC = [
    "AlignError",
    "AlignOptions",
    "Alignment",
    "Cancelled",
    "CheckpointError",
    "FusionError",
    "GeometryError",
    "Grid",
    "Landmarks",
    "MissingExtra",
    "Outcome",
    "ParameterError",
    "PetInfo",
    "Progress",
    "Quality",
    "QuantityError",
    "ReadError",
    "Recipe",
    "RoiStats",
    "Step",
    "Volume",
    "Window",
    "WriteError",
    "align",
    "align_all",
    "align_landmarks",
    "assess",
    "attribution",
    "change",
    "check_landmarks",
    "colour",
    "export_outcome",
    "fuse",
    "fuse_slice",
    "load",
    "loop_consistency",
    "measure",
    "resample",
    "run",
    "run_table",
    "save",
    "scan",
    "to_suv",
]


def test_public_names_are_pinned():
    assert napari_fusion.__all__ == PUBLIC


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "Progress"])  # an alias
def test_every_public_name_is_there_and_documented(name):
    assert inspect.getdoc(getattr(napari_fusion, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'flies'"):
        _ = napari_fusion.flies

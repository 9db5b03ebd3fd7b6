"""Say what was scanned, where the file does not: NIfTI and MetaImage know no modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_fusion.errors import ParameterError
from napari_fusion.gui.actions import named
from napari_fusion.gui.colour.dressed import DRESSED
from napari_fusion.gui.colour.dressing import dress
from napari_fusion.gui.colour.looks import look
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.snapshot import ORIGINAL
from napari_fusion.volume import Modality, Step, Unit, Volume

if TYPE_CHECKING:
    from napari.layers import Layer

Kind = Literal["CT in HU", "MR", "PET in SUV", "PET in Bq/mL", "PET", "SPECT"]

MEANINGS: Mapping[Kind, tuple[Modality, Unit]] = {
    "CT in HU": ("CT", "HU"),
    "MR": ("MR", "1"),
    "PET in SUV": ("PT", "g/mL"),
    "PET in Bq/mL": ("PT", "Bq/mL"),
    "PET": ("PT", "1"),
    "SPECT": ("NM", "1"),
}

STEP = "taken for"
"""The step of a history in which a user said it."""


def name_modality(viewer: Any, layer: str | Layer, kind: Kind) -> Layer:
    """Say what an image layer shows, where its file does not; the history keeps who said it.

    Its voxels and its place stay; window, colours and presets become those of the modality.

    Parameters
    ----------
    viewer
        The napari viewer.
    layer
        A layer of ours or its name.
    kind
        "CT in HU", "MR", "PET in SUV", "PET in Bq/mL", "PET" or "SPECT".

    Returns
    -------
    napari.layers.Image
        The layer.

    Raises
    ------
    ParameterError
        There is no such layer or kind, or its file says what it is.
    """
    found = next((one for one in viewer.layers if one.name == named(layer)), None)
    volume = None if found is None else found.metadata.get(VOLUME)
    if found is None or not isinstance(volume, Volume):
        raise ParameterError(f"there is no volume {named(layer)!r} to say something of")
    if kind not in get_args(Kind):
        raise ParameterError(f"a volume is {', '.join(get_args(Kind))}, not {kind!r}")
    if not is_unsaid(found):
        raise ParameterError(f"the file of {found.name!r} says that it is {volume.spoken}")
    kept = {VOLUME: taken_for(volume, kind)}
    if ORIGINAL in found.metadata:
        kept[ORIGINAL] = taken_for(found.metadata[ORIGINAL], kind)
    _show_as(found, kept)
    dress(viewer)
    return found


def taken_for(volume: Volume, kind: Kind) -> Volume:
    """Give a volume another meaning, with a line of history; an earlier such line goes."""
    modality, unit = MEANINGS[kind]
    step = Step(
        STEP, {"kind": kind}, (f"the file does not say what was scanned: taken for {kind}",)
    )
    history = (*(one for one in volume.history if one.name != STEP), step)
    return replace(volume, modality=modality, unit=unit, history=history)


def kind_of(layer: Any) -> Kind | Literal[""]:
    """Give what a user said a layer is; nothing where nobody did."""
    said = [one.parameters["kind"] for one in layer.metadata[VOLUME].history if one.name == STEP]
    return next((kind for kind in MEANINGS if kind in said), "")


def is_unsaid(layer: Any) -> bool:
    """Whether no file says what a layer shows, be it that a user did."""
    volume = layer.metadata.get(VOLUME)
    return isinstance(volume, Volume) and (volume.modality == "OTHER" or bool(kind_of(layer)))


def _show_as(layer: Any, kept: Mapping[str, Volume]) -> None:
    """Give a layer other volumes of the same voxels, and their look."""
    from napari.utils.colormaps import Colormap

    worn = layer.metadata.get(DRESSED)
    if worn is not None:
        worn.forget()
    layer.metadata = layer.metadata | kept  # set whole: the other views hear it
    for key, value in look(kept[VOLUME]).items():
        setattr(layer, key, Colormap(**value) if isinstance(value, dict) else value)

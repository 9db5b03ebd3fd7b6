"""File ▸ Open Sample: the digital head, as scanners see it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from napari_fusion.errors import Cancelled, ParameterError, Progress
from napari_fusion.gui.layers import LayerData
from napari_fusion.gui.open.opening import NOTHING, patiently, show_all, welcome
from napari_fusion.gui.origin import ORIGIN, Opened
from napari_fusion.volume import Volume

ONE_SCANNER = "2.25.1"
"""Frame of reference of the sample PET-CT: both were made in one scanner."""

FOLLOW_UP_TURN_DEG, FOLLOW_UP_SHIFT_MM = (3.0, -4.0, 6.0), (5.0, -7.0, 4.0)
"""How the head lay at the second date."""


def ct_and_t1() -> list[Any]:
    """Give CT and T1 MR of one head, of which the MR was turned and shifted: a pair to align."""
    return _sample("ct_t1")


def ct_and_pet() -> list[Any]:
    """Give CT and FDG-PET of one head from one scanner: aligned by the scanner."""
    return _sample("ct_pet")


def follow_up() -> list[Any]:
    """Give T1 MR of one head at two dates: the head lay differently and the lesion has grown."""
    return _sample("follow_up")


def rendered(name: str) -> list[Volume]:
    """Render the volumes of a sample.

    Raises
    ------
    ParameterError
        There is no such sample.
    """
    if name not in _RENDERED:
        raise ParameterError(f"a sample is one of {', '.join(_RENDERED)}, not {name!r}")
    return _RENDERED[name]()


def _ct_and_t1() -> list[Volume]:
    from napari_fusion.phantom import misaligned_pair

    return list(misaligned_pair("CT", "T1")[:2])


def _ct_and_pet() -> list[Volume]:
    from napari_fusion.phantom import head
    from napari_fusion.quantify import to_suv

    both = head("CT"), to_suv(head("PET"))
    return [replace(volume, frame_uid=ONE_SCANNER) for volume in both]


def _follow_up() -> list[Volume]:
    from napari_fusion.phantom import head, rigid

    pose = rigid(FOLLOW_UP_TURN_DEG, FOLLOW_UP_SHIFT_MM)
    later = head("T1", pose=pose, date=1, seed=1)
    return [head("T1"), replace(later, name="head T1 follow-up")]


_RENDERED = {"ct_t1": _ct_and_t1, "ct_pet": _ct_and_pet, "follow_up": _follow_up}


def _sample(name: str) -> list[Any]:
    def render(progress: Progress) -> list[LayerData]:
        layers = show_all(rendered(name))
        for index, (_, keywords, _) in enumerate(layers):
            keywords["metadata"][ORIGIN] = Opened(sample=name, index=index)
        return layers

    try:
        layers = patiently(render, "Rendering the digital head …")
    except Cancelled:
        return NOTHING
    return welcome(layers)

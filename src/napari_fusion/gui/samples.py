"""File ▸ Open Sample: the digital head, as scanners see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from napari_fusion.errors import Cancelled
from napari_fusion.gui.opening import NOTHING, patiently, show_all, welcome
from napari_fusion.volume import Volume

ONE_SCANNER = "2.25.1"
"""Frame of reference of the sample PET-CT: both were made in one scanner."""

FOLLOW_UP_TURN_DEG, FOLLOW_UP_SHIFT_MM = (3.0, -4.0, 6.0), (5.0, -7.0, 4.0)
"""How the head lay at the second date."""


def ct_and_t1() -> list[Any]:
    """Give CT and T1 MR of one head, of which the MR was turned and shifted: a pair to align."""
    from napari_fusion.phantom import misaligned_pair

    return _sample(lambda: misaligned_pair("CT", "T1")[:2])


def ct_and_pet() -> list[Any]:
    """Give CT and FDG-PET of one head from one scanner: aligned by the scanner."""
    from napari_fusion.phantom import head

    return _sample(lambda: [replace(head(k), frame_uid=ONE_SCANNER) for k in ("CT", "PET")])


def follow_up() -> list[Any]:
    """Give T1 MR of one head at two dates: the head lay differently and the lesion has grown."""
    from napari_fusion.phantom import head, rigid

    pose = rigid(FOLLOW_UP_TURN_DEG, FOLLOW_UP_SHIFT_MM)
    return _sample(
        lambda: [
            head("T1"),
            replace(head("T1", pose=pose, date=1, seed=1), name="head T1 follow-up"),
        ]
    )


def _sample(render: Callable[[], Sequence[Volume]]) -> list[Any]:
    try:
        layers = patiently(lambda tell: show_all(render()), "Rendering the digital head …")
    except Cancelled:
        return NOTHING
    return welcome(layers)
